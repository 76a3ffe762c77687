"""The part of the gradient that differs from batch to batch."""

from ergoscope_contract.catalogue.entry import Cost, Family, Metric, Reduce

# How all of these are biased. The parts are those of `ergoscope.hearing.pieces`; without several the rows of a batch
# are set against each other, see `ergoscope.hearing.halves`.
BIAS = (
    "parts that are no random parts of one batch bias it: shared sequences, shared dropout, backward passes of "
    "different losses. With one backward pass a step, rows that belong together do, as two views of one image, "
    "examples of a contrastive loss, and all that batch normalization ties together: slope and noise are then off by "
    "some 2 % of tr Σ/B. Batches without repeats from n examples read ‖G‖² short by tr Σ/n. A penalty on the weights "
    "in the loss is slope; weight decay of the optimizer is in neither. Where the one batch of a step cannot be split "
    "there is no reading. An event says which way, or why not"
)

TABLE = (
    Metric(
        id="grad_sq_norm_debiased",
        name="squared slope without the noise",
        symbol="Ĝ²",
        unit="(loss/weight)²",
        range="real numbers; below zero by chance",
        family=Family.ST,
        tooltip="Squared true slope with the noise removed; may dip below zero by chance.",
        formula=(
            "m(‖g‖² − Σ‖pᵢ‖²) / (m − 1): g the step's gradient before clipping, pᵢ the m parts that autograd added up "
            "to it, backward passes times processes. So it is the slope of what the optimizer uses, whether losses are "
            "divided by m or not. Of several processes only this one's pᵢ are known and stand for the others'. With "
            "one pass ‖g‖² − ‖d‖², d the gradient with the sign of every other row of the model's output turned round"
        ),
        failure=BIAS,
        source="McCandlish et al. (2018)",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test="‖∇F‖² = .09 and tr Σ = 25 in 8 parts of 16: .09 ± .011",
        kind="probe",
        made=True,
    ),
    Metric(
        id="noise_trace",
        name="gradient noise",
        symbol="tr Σ",
        unit="(loss/weight)²",
        range="≥ 0, below by chance where only one process is known",
        family=Family.ST,
        tooltip="Total example-to-example gradient noise; of whole backward passes where their size is not known.",
        formula=(
            "B·(mΣ‖pᵢ‖² − ‖g‖²) / (m − 1), B = m·b with b examples in a backward pass where that is told to the agent; "
            "else b = 1: the noise of one backward pass. With one pass B·‖d‖², B as told, or else rows of the output"
        ),
        failure=BIAS,
        source="McCandlish et al. (2018)",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test="tr Σ = 25 in 8 parts of 16: 24.98 ± .43",
        kind="probe",
        made=True,
    ),
    Metric(
        id="grad_noise_norm",
        name="random part of one gradient",
        symbol="√(tr Σ/B)",
        unit="loss/weight",
        range="≥ 0",
        family=Family.ST,
        tooltip="Size of the random part of one step's gradient.",
        formula="√(smoothed tr Σ / B), the root of the trace of the covariance of the step's gradient",
        failure=BIAS,
        source="Zhang, Li, Sra, Jadbabaie (2022)",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test="tr Σ = 25, B = 128: .442",
        kind="probe",
        made=True,
    ),
    Metric(
        id="gns_simple",
        name="gradient noise scale",
        symbol="tr Σ/‖G‖²",
        unit="examples or passes",
        range="≥ 0, infinite at a stationary point",
        family=Family.ST,
        tooltip=(
            "Batch size where signal equals noise. Training far below it means averaging more data per step would "
            "help. In backward passes where their size is not known."
        ),
        formula="smoothed tr Σ / smoothed Ĝ²; absent while Ĝ² is within two standard errors of zero",
        failure="a ratio of two noisy numbers. " + BIAS,
        source="McCandlish et al. (2018)",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.RATIO,
        test="‖∇F‖² = .09, tr Σ = 25: 277.8 examples",
        kind="probe",
        made=True,
    ),
    Metric(
        id="grad_snr",
        name="signal-to-noise ratio of a step",
        symbol="B‖G‖²/tr Σ",
        range="≥ 0, below by chance",
        family=Family.ST,
        tooltip="Signal-to-noise of one step. Below 1: steps are mostly random.",
        formula="B · smoothed Ĝ² / smoothed tr Σ",
        failure="a ratio of two noisy numbers. " + BIAS,
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.RATIO,
        test="‖∇F‖² = .09, tr Σ = 25, B = 128: .461",
        kind="probe",
        made=True,
    ),
    Metric(
        id="pred_residual",
        name="unpredictability of the gradient",
        symbol="Σ(g − m)²/Σg²",
        range="≥ 0",
        family=Family.ST,
        tooltip="How unpredictable the gradient is from its recent past.",
        formula=(
            "smoothed ‖g_t − m‖² / smoothed ‖g_t‖², m the mean of the gradients sampled before t with weights "
            "β = .9 to the power of their age in samples; from sketches of 1,021 numbers"
        ),
        failure=(
            "pure noise reads 1.053, not 1 (AdaBelief's form, whose mean holds g_t too, is .81 of it: .853); samples "
            "come in pairs with gaps between them, so the past is ten samples, not ten steps; sparse gradients are "
            "not seen"
        ),
        source="Zhuang et al. (2020)",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test="pure noise: 1.053, .853 in AdaBelief's form; g = 1 + 2ε: 4.2105 and 3.4105 over E g² = 5",
        kind="probe",
        made=True,
    ),
    Metric(
        id="coherence",
        name="gradient coherence",
        symbol="α",
        range="[0, 1], below by chance",
        family=Family.GE,
        tooltip="Do examples agree on the direction?",
        formula=(
            "‖E g_z‖² / E‖g_z‖² = ‖G‖²/(‖G‖² + tr Σ), of the running means of both, over 100 readings; of whole "
            "backward passes where their size is not known"
        ),
        failure=(
            "0 at stationary points by definition: read it before the data are fitted. Not defined for single examples "
            f"where batch normalization ties them together; {BIAS}"
        ),
        source="Chatterjee, Zielinski (2022)",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test="m orthogonal gradients read 1/m, identical ones 1",
        kind="probe",
        made=True,
    ),
    Metric(
        id="m_coherence",
        name="examples helped by one example's step",
        symbol="mα",
        unit="examples",
        range="[0, m], below by chance",
        family=Family.GE,
        tooltip="How many other examples one example's step helps. 1 = none.",
        formula="1 + (m − 1)α, which is m‖g‖²/mean ‖g_z‖² over the m examples of a step on average",
        failure="1 at stationary points by definition; grows with the batch: compare runs of one batch size",
        source="Chatterjee, Zielinski (2022)",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test="m orthogonal gradients read 1, identical ones m",
        kind="probe",
        made=True,
    ),
)
