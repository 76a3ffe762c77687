"""Signs that the weights' movement has, or has not, reached a balance."""

from ergoscope_contract.catalogue.entry import Cost, Family, Metric, Reduce

TABLE = (
    Metric(
        id="cos_grad_lag1",
        name="agreement of successive gradients",
        symbol="ρ₁",
        range="[−1, 1]",
        family=Family.ST,
        tooltip=(
            "Do successive gradients agree? Positive: sliding; slightly negative: jittering in place; "
            "near −1: bouncing across a valley."
        ),
        formula=(
            "smoothed g_t·g_{t−1} / smoothed ½(‖g_t‖² + ‖g_{t−1}‖²) over sampled pairs of successive steps, "
            "from sketches of 1,021 numbers"
        ),
        failure=(
            "batches drawn without replacement pull it below zero, overlapping sequences above; clipping changes it; "
            "the first pairs carry the sketch's error of .03; sparse gradients are not seen"
        ),
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test="SGD on a quadratic with known noise: −.1810",
        kind="probe",
        made=True,
    ),
    Metric(
        id="implied_curvature",
        name="curvature felt by the noise",
        symbol="−2ρ₁/η",
        unit="1/learning rate",
        range="real numbers",
        family=Family.SB,
        tooltip="Curvature felt by the gradient noise, free of extra work. Only valid on a plateau, with plain SGD.",
        formula="−2ρ/η, ρ the mean of 1 − ½ grad_change² over the stretch",
        failure="wrong away from a plateau; only worked out for SGD without momentum",
        cost=Cost.SERVER,
        tier=1,
        reduce=Reduce.SERIES,
        test="SGD on a quadratic: the noise-weighted mean of the known curvatures",
        kind="indicator",
        made=True,
    ),
    Metric(
        id="grad_change",
        name="change of the gradient in a step",
        symbol="‖g_t − g_{t−1}‖/‖g‖",
        range="[0, 2]",
        family=Family.ST,
        tooltip="How much the gradient changed since the step before: 0 steady, √2 pure noise, 2 alternating.",
        formula="‖g_t − g_{t−1}‖ / √(½(‖g_t‖² + ‖g_{t−1}‖²)) of one pair, from sketches of 1,021 numbers",
        failure="the sketch has an error of .022 for pure noise, .024 at most; sparse gradients are not seen",
        source="Dubey et al. (2019)",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test="noise √2, steady 0, alternating 2, correlation .5: 1",
        kind="probe",
        made=True,
    ),
    Metric(
        id="friction",
        name="what diffGrad would make of the step",
        symbol="mean σ(|Δg|)",
        shape="layer",
        range="[½, 1]",
        family=Family.ST,
        tooltip="What diffGrad would multiply the step by: ½ = halves it, 1 = leaves it.",
        formula="mean of 1/(1 + exp(−|g_t − g_{t−1}|)) over 1 % of the entries; 1,024 to 32,768 of a layer",
        failure="depends on the gradient's scale: never compare models by it; sparse gradients are not seen",
        source="Dubey et al. (2019)",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test="differences drawn from N(0, 1): .6748",
        kind="probe",
        made=True,
    ),
    Metric(
        id="fdr1_ratio",
        name="pull against noise",
        symbol="⟨w·g⟩/…",
        range="real numbers; 1 in equilibrium",
        family=Family.ST,
        tooltip="1 when the pull towards the origin balances the noise kicks: a fingerprint of equilibrium.",
        formula=(
            "smoothed w·g / smoothed (η/2)·(1+μ)/(1−dampening)·‖v‖², g with the coupled weight decay, v = −Δ/η; "
            "summed over layers, over the last 100 readings or so"
        ),
        failure=(
            "without weight decay the norm of normalized layers only grows, so it never reaches 1; absent for any "
            "optimizer but SGD and with Nesterov momentum; w·g is noisy, a change of the rate shows late"
        ),
        source="Yaida (2019)",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test="SGD on a quadratic, plain, shifted and with momentum .9: 1",
        kind="probe",
        made=True,
    ),
    Metric(
        id="grad_debiased_level",
        name="gradient norm without noise against its start",
        symbol="√(Ĝ²/Ĝ²₀)",
        range="≥ 0",
        family=Family.ST,
        tooltip=(
            "The slope of the loss, the noise of batches removed, as a share of its start. Settled far above zero: an "
            "equilibrium, not a stationary point."
        ),
        formula=(
            "root of mean grad_sq_norm_debiased over the stretch / its mean over the first five readings; squares are "
            "averaged and divided before the root is taken. At a stationary point the mean is below .05² of the "
            "highest median of five readings, and its 95 % interval below .1² of that"
        ),
        failure=(
            "needs twelve readings; where a penalty on the weights is added to the loss by hand, halves of a batch "
            "share it and the square comes out too low: below zero beyond chance it is not shown"
        ),
        source="McCandlish et al. (2018) for the readings; Zhang, Li, Sra, Jadbabaie (2022) for the question",
        cost=Cost.SERVER,
        tier=1,
        reduce=Reduce.SERIES,
        test="‖∇F‖² = .09 against a start of .9, known noise: √.1, covered by its interval",
        kind="indicator",
        made=True,
    ),
    Metric(
        id="kkt_residual",
        name="distance from the max-margin direction",
        symbol="√(1 − cos²)",
        range="[0, 1]",
        family=Family.ST,
        tooltip=(
            "How far the weights are from a multiple of the downhill slope. Late in separable classification it tends "
            "to 0: then only the scale grows."
        ),
        formula="√(1 − c²), c the mean of cos_w_neg_grad over the stretch, of what is below zero as zero",
        failure="means nothing for nets that are not homogeneous; the noise of batches keeps it near 1",
        source="Lyu, Li (2020), the ε of their KKT conditions for a loss with an exponential tail",
        cost=Cost.SERVER,
        tier=1,
        reduce=Reduce.SERIES,
        test="separable data: .03003 after ten steps, .00245 after a million",
        kind="indicator",
        made=True,
    ),
    Metric(
        id="norm_drift",
        name="drift of the weight norm",
        symbol="d‖w‖²/dt",
        unit="weight²/step",
        range="real numbers; 0 in equilibrium",
        family=Family.ST,
        tooltip="Are the weights still growing or shrinking?",
        formula="least-squares slope of ‖w‖² over the stretch; error from batch means of what the line leaves",
        failure="needed for a stationary point but not enough: it looks at the norm alone",
        source="Zhang, Lang, Liu, Xiao (2020)",
        cost=Cost.SERVER,
        tier=0,
        reduce=Reduce.SERIES,
        test="a line of known slope plus AR(1) noise",
        kind="indicator",
        made=True,
    ),
    Metric(
        id="pflug_stat",
        name="Pflug's statistic",
        symbol="⟨g_t·g_{t−1}⟩/⟨‖g‖²⟩",
        range="[−1, 1]",
        family=Family.ST,
        tooltip="Old test for “the steps just jitter”: below zero they do. Unreliable, advisory.",
        formula="mean of (1 − ½ grad_change²)·‖g‖² over the stretch / mean of ‖g‖²; Pflug's running sum over its steps",
        failure=(
            "the drift is tiny against its spread; as the running sum it was defined, it missed a plateau for 20,000 "
            "steps on a small quadratic, so it is a mean over the stretch here"
        ),
        source="Pflug (1990); Chee, Toulis (2018)",
        cost=Cost.SERVER,
        tier=1,
        reduce=Reduce.SERIES,
        test="SGD on a quadratic with known noise: −.1810",
        kind="indicator",
        made=True,
    ),
    Metric(
        id="distance_slope",
        name="growth of the distance travelled",
        symbol="dlog D/dlog n",
        range="[0, 2]",
        family=Family.ST,
        tooltip=(
            "How fast we still move away from the reference point: 2 straight line, 1 random walk, 0 stuck in a region."
        ),
        formula="line through log D over log n from n/1.5 to n, D_n = ‖w_n − w_ref‖² of sketches of the stretch",
        failure="fires early when fast directions have settled and slow ones have not: a lower bound only",
        source="Pesme, Dieuleveut, Flammarion (2020)",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test="quadratic in 20 dimensions: from 1.57 through .30 to .00",
        kind="indicator",
        made=True,
    ),
    Metric(
        id="msd_exponent",
        name="how the weights wander",
        symbol="α",
        range="[0, 2]",
        family=Family.ST,
        tooltip="How weights wander on the plateau: 0 confined, 1 random walk, 2 drift.",
        formula="dlog MSD/dlog lag at lags of ⅛ to ½ of the stretch, MSD = mean ‖w_{t+lag} − w_t‖² of sketches",
        failure="short windows cannot tell confined from slow",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test="AR(1) at five lags; Brownian motion 1; straight line 2",
        kind="indicator",
        made=True,
    ),
    Metric(
        id="first_layer_coupling",
        name="first layer's gradient against its input",
        symbol="slope",
        range="real numbers; 1 coupled, 0 not",
        family=Family.ST,
        tooltip="1 = steps of the first layer are driven by how bright or contrasty a batch is; 0 = they are not.",
        formula="slope of log ‖g_first‖² on log mean x² over the last 16 to 128 sampled steps",
        failure=(
            "standardized inputs have no spread, embeddings no magnitude: then there is no value; clipping to a fixed "
            "norm pulls it to 0"
        ),
        source="Petersen et al. (2024)",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test="inputs scaled by a known factor with independent upstream gradients: 1",
        kind="probe",
        made=True,
    ),
    Metric(
        id="first_layer_coupling_se",
        name="error of the first layer's slope",
        symbol="se",
        range="≥ 0",
        family=Family.ST,
        tooltip="Standard error of the slope of the first layer's gradient on its input.",
        formula="from overlapping batch means of (x − x̄)·residual, batches of √n",
        failure="too small when the inputs' size wanders more slowly than √n sampled steps",
        source="Meketon, Schmeiser (1984)",
        cost=Cost.NONE,
        tier=1,
        reduce=Reduce.FIRST,
        test="its square, on average, is the variance of the slope over repeated runs",
        kind="probe",
        made=True,
    ),
    Metric(
        id="first_layer_share",
        name="first layer's share of the gradient",
        symbol="‖g_first‖/‖g‖",
        range="[0, 1]",
        family=Family.ST,
        tooltip="How much of the whole gradient's size sits in the first layer.",
        formula="‖g_first‖ / ‖g‖",
        failure="depends on the scale of the input",
        source="Petersen et al. (2024)",
        cost=Cost.NONE,
        tier=1,
        reduce=Reduce.FIRST,
        test="gradients set to known numbers",
        kind="probe",
        made=True,
    ),
)
