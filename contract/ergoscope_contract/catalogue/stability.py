"""Whether steps do what their gradient promised, and which examples resist."""

from ergoscope_contract.catalogue.entry import Cost, Family, Metric, Reduce

TABLE = (
    Metric(
        id="trust_ratio",
        name="actual against predicted improvement",
        symbol="ρ_B",
        range="≤ 1",
        family=Family.SB,
        tooltip=(
            "Actual against predicted improvement on the step's own batch. 1 ideal, ½ optimal, 0 edge, negative "
            "overshoot. Average it; measured where `curvature` is asked for."
        ),
        formula=(
            "(L_B(w + Δ) − L_B(w)) / (g_B·Δ) of one step, the batch run forward again after it with the same draws; "
            "g_B as the backward pass left it, L_B with coupled weight decay ½λ‖w‖²; of several processes that train "
            "together B is all their batches"
        ),
        failure=(
            "of one step it says little; in 16 bits rounding drowns small changes, so steps that promise less than "
            "1/256 of the loss are left out; of several processes known for one DistributedDataParallel or "
            "`fully_shard` over all of them"
        ),
        source="Conn, Gould, Toint (2000)",
        cost=Cost.FORWARD,
        tier=2,
        reduce=Reduce.MEAN,
        test="plain SGD on a linear model: 1 − ½η times the curvature along the gradient",
        kind="probe",
        made=True,
    ),
    Metric(
        id="batch_sharpness_ratio",
        name="batch sharpness against 2/η",
        symbol="½η E[gᵀHg/‖g‖²]",
        range="≥ 0",
        family=Family.SB,
        tooltip="1 = what SGD hovers at: the curvature a batch feels along its own step, against 2/learning rate.",
        formula="½η · mean of batch_sharpness over its newest 64 readings since the last change",
        failure=(
            "of SGD only; with momentum β its level is seen between 1 − β for small batches and 1 + β for large ones, "
            "which rests on one replication: only near the upper end does it tell the edge"
        ),
        source="Andreyev, Beneventano (2024)",
        cost=Cost.SERVER,
        tier=1,
        reduce=Reduce.SERIES,
        test="orthogonal one-hot features, one example a batch, λ = s: ½ηs",
        kind="indicator",
        made=True,
    ),
    Metric(
        id="angular_update_ratio",
        name="turn per step against its balance",
        symbol="∠(w, w′)/√(2ηλ)",
        range="≥ 0",
        family=Family.SB,
        tooltip=(
            "How fast layers before a normalization turn, against the angle at which weight decay and steps balance. 1 "
            "= they have come to it, and turn on at that rate."
        ),
        formula=(
            "mean angular_update over the layers whose gradient is at right angles to them, the newest 64 readings "
            "since the last change, / √(2ηλ/(1+μ)) of SGD with momentum μ, √(2ηλ(1−β₁)/(1+β₁)) of AdamW"
        ),
        failure=(
            "holds of layers alone whose scale does not matter: those at right angles to their gradient, to 1e-4 at "
            "eight readings in a row, of 24 layers at most; it takes some 1/(ηλ) steps to come to the balance, and "
            "without weight decay there is none"
        ),
        source="Kosson, Messmer, Jaggi (2023); Wan et al. (2021)",
        cost=Cost.SERVER,
        tier=1,
        reduce=Reduce.SERIES,
        test="SGD, SGD with momentum and AdamW at their equilibrium angles .04472, .01026, .01026: 1",
        kind="indicator",
        made=True,
    ),
    Metric(
        id="spike_count",
        name="spikes of the loss",
        symbol="#",
        unit="count",
        range="≥ 0",
        family=Family.SB,
        tooltip="Sudden jumps of the loss since the last change, over at most 10,000 readings.",
        formula="times that loss_robust_z passes 8, or 5 twice within three readings; nearer than 50 readings are one",
        failure="heavy-tailed losses jump by chance, 1.3 in 1,000 readings of Student's t with 3 degrees of freedom",
        source="robust statistics: median and median absolute deviation",
        cost=Cost.SERVER,
        tier=0,
        reduce=Reduce.SERIES,
        test="jumps put into AR(1) noise are counted; without any, and without heavy tails: 0",
        kind="indicator",
        made=True,
    ),
    Metric(
        id="catapult_count",
        name="spikes the loss came back from",
        symbol="#",
        unit="count",
        range="≥ 0",
        family=Family.SB,
        tooltip="Jumps after which the loss was back at its level, or below, within 200 readings.",
        formula="spikes with a median of 20 readings, of the 200 after, within three deviations of the level before",
        failure="says nothing of the curvature: in a catapult proper it is lower afterwards",
        source="Lewkowycz et al. (2020)",
        cost=Cost.SERVER,
        tier=0,
        reduce=Reduce.SERIES,
        test="the two-weight model at ηλ = 2.7 jumps and comes back; a loss that stays up does not count",
        kind="indicator",
        made=True,
    ),
    Metric(
        id="opposing_share",
        name="share of the loudest examples",
        symbol="top 1 %",
        range="[0, 1]",
        family=Family.SB,
        tooltip=(
            "The share of all change of losses that a few examples of the probe batch make up; needs `probe` and "
            "`loss_fn`."
        ),
        formula="share of Σ|Δℓᵢ| that the top 1 % of the examples make up, one at least",
        failure="examples with large losses change much anyway; with n examples at least 1/n",
        source="Rosenfeld, Risteski (2023)",
        cost=Cost.FORWARD,
        tier=2,
        reduce=Reduce.FIRST,
        test="two opposite groups on one feature beyond the edge",
        kind="probe",
        made=True,
    ),
    Metric(
        id="opposing_flip",
        name="do the loudest examples alternate",
        symbol="corr",
        range="[−1, 1]",
        family=Family.SB,
        tooltip=(
            "Whether the examples that change most change back at the next step: −1 is strict alternation; needs "
            "`probe` and `loss_fn`."
        ),
        formula="ΣΔℓᵢ(t−1)Δℓᵢ(t) / √(ΣΔℓᵢ(t−1)² ΣΔℓᵢ(t)²) over the top 1 % of step t−1, three at least",
        failure="noise of the evaluation alone, as rounding to 16 bits, reads −.86",
        source="Rosenfeld, Risteski (2023)",
        cost=Cost.FORWARD,
        tier=2,
        reduce=Reduce.FIRST,
        test="two opposite groups on one feature beyond the edge: −1",
        kind="probe",
        made=True,
    ),
    Metric(
        id="trajectory_kl",
        name="how fast the function changes",
        symbol="KL",
        unit="nats",
        range="≥ 0",
        family=Family.GE,
        also=Family.SB,
        tooltip=(
            "How much the answers to the fixed batch changed since the reading before. A sharp minimum shows drops of "
            "the loss with large values; needs `probe` and `loss_fn`."
        ),
        formula="mean KL(softmax z_{t−k} ‖ softmax z_t) over a fixed batch; of a regression ½ mean ‖z_t − z_{t−k}‖²/σ̂²",
        failure=(
            "grows with the k steps between two readings, up to k²: comparable at equal k and batch only; label "
            "smoothing and a temperature in the model change its scale"
        ),
        source="Du et al. (2022)",
        cost=Cost.FORWARD,
        tier=2,
        reduce=Reduce.FIRST,
        test="p = (½, ½), q = (¾, ¼): .143841",
        kind="probe",
        made=True,
    ),
    Metric(
        id="trajectory_kl_soft",
        name="how fast the softened function changes",
        symbol="KL, τ = 5",
        unit="nats",
        range="≥ 0",
        family=Family.GE,
        also=Family.SB,
        tooltip="The same of probabilities at temperature 5, where unlikely classes count as well.",
        formula="mean KL(softmax(z_{t−k}/τ) ‖ softmax(z_t/τ)), τ = 5, over a fixed batch",
        failure="comparable at equal k and batch only; there is none of a regression",
        source="Du et al. (2022)",
        cost=Cost.FORWARD,
        tier=2,
        reduce=Reduce.FIRST,
        test="small moves: the quadratic form",
        kind="probe",
        made=True,
    ),
)
