"""What has been linked to how well a net will do on new data. For comparing runs; never a score."""

from ergoscope_contract.catalogue.entry import Cost, Family, Metric, Reduce

TWINS = "twin runs are not compared yet"
NORMS = "norm measures between runs are not computed yet"

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
        formula="slope of ‖w_t − w₀‖ on log t, beside a power law, on a geometric grid of times",
        failure="only before the learning rate drops, and not in the first steps",
        source="Hoffer, Hubara, Soudry (2017)",
        cost=Cost.SERVER,
        tier=1,
        reduce=Reduce.SERIES,
        test="0.7·log t: .703; 0.2·√t: the power law wins",
        kind="indicator",
        absent="distances between weight sketches are not worked out yet",
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
        formula="largest |time-averaged loss of twin 1 − of twin 2| over probe examples",
        failure="below the noise floor unless the twins share their randomness",
        source="Chandramoorthy, Loukas, Gatmiry, Jegelka (2022)",
        cost=Cost.RUNS,
        tier=3,
        reduce=Reduce.SERIES,
        test="estimating a mean with one of 50 examples replaced: .16644",
        kind="indicator",
        absent=TWINS,
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
        failure="non-deterministic kernels separate twins by themselves",
        source="Li, Xie (2024)",
        cost=Cost.RUNS,
        tier=3,
        reduce=Reduce.SERIES,
        test="two contracting walks with shared noise: decays at the known rate",
        kind="indicator",
        absent=TWINS,
    ),
    Metric(
        id="norm_product",
        name="product of spectral norms",
        symbol="log Π‖W‖₂",
        range="real numbers",
        family=Family.GE,
        tooltip=(
            "Product of the layers' largest stretches. For comparing runs: no such measure is a tight bound for "
            "every algorithm."
        ),
        formula="Σ over layers of log ‖W‖₂",
        failure="not defined under normalization unless its scale is folded in",
        source="Gastpar et al. (2024), none is uniformly tight",
        cost=Cost.OFFLINE,
        tier=3,
        reduce=Reduce.FIRST,
        test="two linear layers: log 13.4164",
        kind="probe",
        absent=NORMS,
    ),
    Metric(
        id="norm_distance",
        name="distance from the start in units of the layers",
        symbol="Σ‖W − W₀‖_F²/‖W‖₂²",
        range="≥ 0",
        family=Family.GE,
        tooltip="How far the layers moved, against their largest stretch. For comparing runs only.",
        formula="Σ over layers of ‖W − W₀‖_F² / ‖W‖₂²",
        failure="not defined under normalization unless its scale is folded in",
        source="Gastpar et al. (2024), none is uniformly tight",
        cost=Cost.OFFLINE,
        tier=3,
        reduce=Reduce.FIRST,
        test="layers that did not move: 0",
        kind="probe",
        absent=NORMS,
    ),
    Metric(
        id="path_norm",
        name="path norm",
        symbol="log Σ paths",
        range="real numbers",
        family=Family.GE,
        tooltip="Sum over all paths of the product of their weights' sizes. For comparing runs only.",
        formula="log of the net's output with |w| for w and ones for the input",
        failure="ill-defined with biases and normalization, and then says so",
        source="Gastpar et al. (2024), none is uniformly tight",
        cost=Cost.OFFLINE,
        tier=3,
        reduce=Reduce.FIRST,
        test="two linear layers: log 10",
        kind="probe",
        absent=NORMS,
    ),
)
