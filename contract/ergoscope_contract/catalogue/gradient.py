"""The size of the gradient, and its extremes."""

from ergoscope_contract.catalogue.entry import Cost, Family, Metric, Reduce

FIXED = (
    "it is the slope of the loss that the fixed batch was drawn from: of a batch that is all of the training set its "
    "square is short by tr Σ/n, and of examples that are not trained on it is another loss's. Batch normalization "
    "takes the statistics of a part. Penalties that are not in loss_fn and weight decay are not in it"
)

TABLE = (
    Metric(
        id="grad_norm",
        name="gradient norm",
        symbol="‖g‖",
        unit="loss/weight",
        shape="layer",
        range="≥ 0",
        family=Family.ST,
        tooltip="How hard this batch pulls on the weights. Mostly noise for small batches.",
        formula=(
            "‖g_B‖₂ before clipping: the norm after it over the clipping coefficient; of the model: √(Σ over layers of "
            "‖g‖²)"
        ),
        failure=(
            "not the distance to a stationary point: E‖g_B‖² = ‖∇F‖² + tr Σ/B. Clipping by other code than torch's "
            "clip_grad_norm_, clip_grads_with_norm_ and clip_grad_value_ is not seen, nor inside a compiled function, "
            "nor by the latter two (before torch 2.6 by none) imported by name before the agent came: then this is the "
            "norm after it. Where the coefficient is 0, as with an infinite gradient, it is no number"
        ),
        cost=Cost.PASS,
        tier=0,
        reduce=Reduce.SQUARES,
        test="gradients with ‖∇F‖² = .09, tr Σ = 25, B = 128: the mean square is .2853, not .09",
        kind="probe",
        made=True,
    ),
    Metric(
        id="grad_norm_clipped",
        name="gradient norm after clipping",
        symbol="‖g‖·c",
        unit="loss/weight",
        shape="layer",
        range="≥ 0",
        family=Family.OP,
        tooltip="Pull after clipping, beside the pull before it.",
        formula="‖g_B‖₂ as the optimizer used it; there is a series only where a clip call was seen",
        failure="hides explosions: clipped gradients all look alike; clipping as grad_norm says is not seen",
        cost=Cost.PASS,
        tier=0,
        reduce=Reduce.SQUARES,
        test="a gradient of norm 10 clipped at 1 reads 1",
        kind="probe",
        made=True,
    ),
    Metric(
        id="clip_coef",
        name="clipping coefficient",
        symbol="c",
        range="(0, 1]",
        family=Family.SB,
        tooltip="1 = not clipped; small = the clip decides the step.",
        formula=(
            "min(1, limit / (‖g‖ + 10⁻⁶)) as the clip call multiplied by it; calls on one layer multiply, of several "
            "layers the smallest"
        ),
        failure=(
            "with clipping the learning rate that acts is η·c; the norm may be of another order than 2; clipping by "
            "value has none"
        ),
        cost=Cost.NONE,
        tier=0,
        reduce=Reduce.FIRST,
        test="a gradient of norm 10 clipped at 1 reads 0.1",
        kind="probe",
        made=True,
    ),
    Metric(
        id="grad_norm_full",
        name="norm of the full gradient",
        symbol="‖∇F‖",
        unit="loss/weight",
        range="≥ 0",
        family=Family.ST,
        tooltip=(
            "The slope of the whole training loss. Zero only at a stationary point; in practice it levels off "
            "above zero."
        ),
        formula=(
            "√max(0, ‖ḡ‖² − s²/m), ḡ the mean of the gradients of m equal parts of the user's fixed batch, at most 8 "
            "of at least 2 examples, s² the trace of their sample covariance; in the mode that the model is in, with "
            "the draws of a seed for each part"
        ),
        failure=FIXED,
        source="Zhang, Li, Sra, Jadbabaie (2022)",
        cost=Cost.GRADIENT,
        tier=3,
        reduce=Reduce.FIRST,
        test="SGD on a quadratic with known noise: E‖∇F‖² = .7735 while the loss stays at .2137",
        kind="probe",
        made=True,
    ),
    Metric(
        id="grad_sq_norm_full",
        name="squared norm of the full gradient",
        symbol="‖∇F‖²",
        unit="(loss/weight)²",
        range="real numbers; below zero by chance",
        family=Family.ST,
        tooltip="Squared slope of the whole training loss: the one to average, as it may dip below zero by chance.",
        formula="‖ḡ‖² − s²/m, as in grad_norm_full",
        failure=FIXED,
        source="McCandlish et al. (2018)",
        cost=Cost.GRADIENT,
        tier=3,
        reduce=Reduce.FIRST,
        test="‖∇F‖² = .09 and tr Σ = 25 in 8 parts of 16: .09 ± .011",
        kind="probe",
        made=True,
    ),
    Metric(
        id="grad_norm_level",
        name="gradient norm against its start",
        symbol="‖g‖/‖g‖₀",
        range="≥ 0",
        family=Family.ST,
        tooltip=(
            "Gradient norm now as a share of the gradient norm at the start. Settled far above zero: not a "
            "stationary point."
        ),
        formula="mean of ‖g‖ over the window / mean of ‖g‖ over the first 20 steps",
        failure="includes the noise of the batches, so it cannot fall below their share; depends on the start",
        cost=Cost.SERVER,
        tier=0,
        reduce=Reduce.SERIES,
        test="a series of constant level c after a start of level 1 reads c, with an interval that covers it",
        kind="indicator",
        made=True,
    ),
    Metric(
        id="nonfinite_count",
        name="numbers that are not finite",
        symbol="#",
        unit="count",
        range="≥ 0",
        family=Family.SB,
        tooltip="How many NaN or infinite numbers appeared in the gradients and the loss.",
        formula="number of entries of g, as the optimizer used it, that are NaN or ±∞, plus one if the loss is",
        failure=(
            "with automatic mixed precision a rare skipped step is normal; clipping by a norm that is NaN makes every "
            "entry one"
        ),
        cost=Cost.PASS,
        tier=0,
        reduce=Reduce.SUM,
        test="a gradient into which three NaN and two infinities were put reads 5",
        kind="probe",
        made=True,
    ),
)
