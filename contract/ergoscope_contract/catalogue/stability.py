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
            "Actual against predicted improvement on the same batch. 1 ideal, ½ optimal, 0 edge, negative overshoot."
        ),
        formula="(L_B(w + Δ) − L_B(w)) / (g_B·Δ)",
        failure="both losses need the same dropout mask; tiny differences drown in rounding",
        source="trust-region methods",
        cost=Cost.FORWARD,
        tier=1,
        reduce=Reduce.MEAN,
        test="plain SGD on a small net: gives batch sharpness to four digits",
        kind="probe",
        absent="batches are not run a second time yet",
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
            "How much the outputs changed since the reading before. A sharp minimum shows drops of the loss with "
            "large values."
        ),
        formula="mean KL(softmax(z_{t−k}/τ) ‖ softmax(z_t/τ)) over a fixed probe batch, τ = 1, and 5 beside it",
        failure="comparable only at equal k, τ and probe; dropout must be off or share its mask",
        source="Du et al. (2022)",
        cost=Cost.FORWARD,
        tier=2,
        reduce=Reduce.FIRST,
        test="p = (½, ½), q = (¾, ¼): .143841; small moves: the quadratic form",
        kind="probe",
        absent="outputs on the probe batch are not compared yet",
    ),
)
