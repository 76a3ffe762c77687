"""What has been linked to how well a net will do on new data. For comparing runs; never a score."""

from ergoscope_contract.catalogue.entry import Cost, Family, Metric, Reduce

NORMLESS = "absent where normalization takes the scale out of layers, and with recurrent layers"
COMPARE = "For comparing runs: no such measure is a bound that is tight for every algorithm."

TABLE = (
    Metric(
        id="normalized_margin",
        name="margin of the hardest example",
        symbol="min q/‖w‖^L",
        unit="1/weight^L",
        range="real numbers",
        family=Family.GE,
        tooltip=(
            "Confidence of the hardest example after removing the scale. Rising = still improving after 100 % accuracy."
        ),
        formula=(
            "min over the examples of the step of (f_y − max other f) / ‖w‖^L, L the degree to which the outputs are "
            "homogeneous in the weights; where they are not, or it is not known, Π‖W_l‖ over the tensors of two or "
            "more dimensions stands for ‖w‖^L: a message of the run says which"
        ),
        failure=(
            "with biases, residual connections and normalization there is no degree L: then only its course within one "
            "run says something; the hardest example of a batch, not of the training set, of more than 4,096 in a pass "
            "every n-th; absent where torch's own cross-entropy is not found in the graph of the loss"
        ),
        source="Lyu, Li (2020)",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test="separable data of margin 1: .9943, .9784, .9880, .9958 after 10 to 10,000 steps",
        kind="probe",
        made=True,
    ),
    Metric(
        id="smoothed_margin",
        name="smoothed margin",
        symbol="log(1/ΣL)/‖w‖^L",
        unit="1/weight^L",
        range="real numbers",
        family=Family.GE,
        tooltip="Smooth version of the margin; monotone for small steps.",
        formula=(
            "log(1/Σ ℓᵢ) / ‖w‖^L, ℓᵢ = log(1 + Σ over other classes of exp(f_j − f_y)), which is exp(−qᵢ) once it is "
            "small; ‖w‖^L as in normalized_margin"
        ),
        failure=(
            "the sum over examples, not the mean: larger batches read lower; weights of classes and smoothing of "
            "labels are not in it"
        ),
        source="Lyu, Li (2020)",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test="separable data: rises from .403 after 10 steps to .908 after 10,000",
        kind="probe",
        made=True,
    ),
    Metric(
        id="margin_quantile",
        name="margin of the hardest tenth",
        symbol="q₁₀",
        range="real numbers",
        family=Family.GE,
        tooltip="A tenth of the examples have a smaller lead over the best wrong answer. Below 0: they are wrong.",
        formula="10 % quantile over the examples of the step of f_y − max other f, not divided by anything",
        failure="grows with the scale of the weights alone; the examples are those of normalized_margin",
        cost=Cost.NONE,
        tier=1,
        reduce=Reduce.FIRST,
        test="margins 0, 1, …, 100 in any order, over two passes: 10",
        kind="probe",
        made=True,
    ),
    Metric(
        id="log_time_slope",
        name="ultra-slow diffusion",
        symbol="b",
        unit="weight",
        range="≥ 0",
        family=Family.GE,
        tooltip=(
            "Growth of distance from the start per e-fold of time; straight line on a log axis = ultra-slow diffusion."
        ),
        formula="least-squares slope of dist_from_init on log t, beside c·t^p by AIC, on a geometric grid of times",
        failure=(
            "only of steps from 10 on and before the first change of the learning rate; of long runs whose distance is "
            "read at every step only the newest 12,500 count"
        ),
        source="Hoffer, Hubara, Soudry (2017)",
        cost=Cost.SERVER,
        tier=1,
        reduce=Reduce.SERIES,
        test="0.7·log t: .703; 0.2·√t: the power law wins",
        kind="indicator",
        made=True,
    ),
    Metric(
        id="acf_decay_rate",
        name="how slowly fluctuations of the loss die out",
        symbol="λ̂",
        range="[0, 1)",
        family=Family.GE,
        tooltip="How slowly loss fluctuations die out; slower mixing has been linked to worse generalization.",
        formula="log ρ_k = a + k log λ̂, fitted over the lags up to the first ρ below .1; a is the noise of the batches",
        failure="comparable only at equal learning rate and batch size; the order of the batches passes for memory",
        source="Chandramoorthy, Loukas, Gatmiry, Jegelka (2022)",
        cost=Cost.SERVER,
        tier=1,
        reduce=Reduce.SERIES,
        test="AR(1): its coefficient",
        kind="indicator",
        made=True,
    ),
    Metric(
        id="sas_coefficient",
        name="statistical algorithmic stability",
        symbol="β̂",
        unit="nats",
        range="≥ 0",
        family=Family.GE,
        tooltip="Change of long-run test loss when one training example is replaced.",
        formula=(
            "largest |time-averaged loss of one twin − of the other| over the examples of a fixed batch, per replaced "
            "example; interval from overlapping batch means of each example's difference, for all examples at once"
        ),
        failure=(
            "below the noise floor unless the twins share their randomness; the largest of many noisy numbers lies "
            "above the largest true one, so read the interval; a fixed batch has not the worst example there is; "
            "`ergoscope twins` measures it, and it has no course"
        ),
        source="Chandramoorthy, Loukas, Gatmiry, Jegelka (2022)",
        cost=Cost.RUNS,
        tier=3,
        reduce=Reduce.SERIES,
        test="estimating a mean by SGD with one of 50 examples replaced: the closed form",
        kind="probe",
        made=True,
    ),
    Metric(
        id="coupling_distance",
        name="distance of twin runs",
        symbol="‖w − w′‖",
        unit="weight",
        range="≥ 0",
        family=Family.GE,
        tooltip="Distance of twin runs with identical randomness.",
        formula="‖w_t − w′_t‖ from weight sketches of equal seed",
        failure=(
            "non-deterministic kernels separate twins by themselves: see the twin with nothing replaced; `ergoscope "
            "twins` measures it"
        ),
        source="Li, Xie (2024)",
        cost=Cost.RUNS,
        tier=3,
        reduce=Reduce.SERIES,
        test="two contracting walks with shared noise: decays at the known rate",
        kind="probe",
        made=True,
    ),
    Metric(
        id="norm_product",
        name="product of spectral norms",
        symbol="log Π‖W‖₂",
        range="real numbers",
        family=Family.GE,
        tooltip=f"Product of the layers' largest stretches. {COMPARE}",
        formula="Σ over weights of two or more dimensions of log ‖W‖₂, found as for the stable rank",
        failure=f"of a net with branches it is no bound on its stretch; a convolution's own is larger; {NORMLESS}",
        source="Gastpar et al. (2024), none is uniformly tight",
        cost=Cost.PASS,
        tier=3,
        reduce=Reduce.FIRST,
        test="two linear layers: log 13.4164",
        kind="probe",
        made=True,
    ),
    Metric(
        id="norm_distance",
        name="distance from the start in units of the layers",
        symbol="Σ‖W − W₀‖_F²/‖W‖₂²",
        range="≥ 0",
        family=Family.GE,
        tooltip=f"How far the layers moved, against their largest stretch. {COMPARE}",
        formula="Σ over weights of two or more dimensions of ‖W − W₀‖_F² / ‖W‖₂²",
        failure=f"of layers of more than 65,344 entries it has an error of 4.4 %; {NORMLESS}, and after a resume",
        source="Gastpar et al. (2024), none is uniformly tight",
        cost=Cost.PASS,
        tier=3,
        reduce=Reduce.FIRST,
        test="layers that did not move: 0; that moved by known matrices: their sum",
        kind="probe",
        made=True,
    ),
    Metric(
        id="path_norm",
        name="path norm",
        symbol="log Σ paths",
        range="real numbers",
        family=Family.GE,
        tooltip=f"Sum over all paths of the product of their weights' sizes. {COMPARE}",
        formula="log of the sum of the net's outputs with |w| for w and ones for the input",
        failure="only of a chain of linear layers without biases; ill-defined with normalization: absent then",
        source="Gastpar et al. (2024), none is uniformly tight",
        cost=Cost.PASS,
        tier=3,
        reduce=Reduce.FIRST,
        test="two linear layers: log 10",
        kind="probe",
        made=True,
    ),
)
