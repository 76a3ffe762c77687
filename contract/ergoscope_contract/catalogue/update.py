"""The update actually applied: its size, direction and turn."""

from ergoscope_contract.catalogue.entry import Cost, Family, Metric, Reduce

TABLE = (
    Metric(
        id="update_norm",
        name="update norm",
        symbol="‖Δ‖",
        unit="weight",
        shape="layer",
        range="≥ 0",
        family=Family.SB,
        tooltip="Distance moved this step, after clipping, momentum, weight decay and preconditioning.",
        formula="‖w_{t+1} − w_t‖₂; of the model: √(Σ over layers of ‖Δ‖²)",
        failure="needs a copy of the weights, or the optimizer's own state",
        source="Zhang, Li, Sra, Jadbabaie (2022)",
        cost=Cost.PASS,
        tier=0,
        reduce=Reduce.SQUARES,
        test="plain SGD moves by η‖g‖; with momentum, by the norm of the known velocity",
        kind="probe",
        made=True,
    ),
    Metric(
        id="update_ratio",
        name="relative update",
        symbol="‖Δ‖/‖w‖",
        shape="layer",
        range="≥ 0",
        family=Family.SB,
        tooltip="Relative movement per step; about 1e-3 is usual.",
        formula="‖Δ‖ / max(‖w‖, 1e-3·√number of entries)",
        failure="layers that start at zero move by all of themselves; layers before normalization turn instead",
        source="folklore",
        cost=Cost.PASS,
        tier=0,
        reduce=Reduce.RATIO,
        test="Adam on pure noise: root mean square of the step .229 η, so the ratio is known",
        kind="probe",
        made=True,
    ),
    Metric(
        id="cos_update_lag1",
        name="agreement of successive moves",
        symbol="cos(Δ_t, Δ_{t−1})",
        range="[−1, 1]",
        family=Family.ST,
        tooltip="Agreement of successive moves; about β with momentum.",
        formula=(
            "smoothed Δ_t·Δ_{t−1} / smoothed ½(‖Δ_t‖² + ‖Δ_{t−1}‖²) over sampled pairs, Δ the difference of sketches "
            "of the weights (1,021 numbers)"
        ),
        failure=(
            "trivially near β when the optimizer has momentum β; no value while a step moves the weights by less "
            "than 4e-6 of their norm, which the rounding of the sketches hides"
        ),
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test="momentum β on independent gradients: β",
        kind="probe",
        made=True,
    ),
    Metric(
        id="adam_update_rms",
        name="Adam's step in units of the learning rate",
        symbol="rms(m̂/√v̂)",
        shape="layer",
        range="≥ 0",
        family=Family.SB,
        tooltip=(
            "Adam's step in units of the learning rate: .23 = pure noise, 1 = fully consistent, "
            ">1 = the second moment lags behind a growing gradient, as before a spike."
        ),
        formula=(
            "root mean square of Δ + ηλw over the entries, divided by η, which is that of m̂/(√v̂ + ε); of the model: "
            "the largest of its layers"
        ),
        failure=(
            "the level of pure noise depends on β₁: √((1−β₁)/(1+β₁)); only Adam and AdamW with weights of 32 bits or "
            "more; steps so small that the weights' own rounding swallows them read 0"
        ),
        source="Kingma, Ba (2015)",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test="independent gradients, β₁ = .9: .2294",
        kind="probe",
        made=True,
    ),
    Metric(
        id="angular_update",
        name="turn per step",
        symbol="∠(w, w′)",
        unit="rad/step",
        shape="layer",
        range="≥ 0",
        family=Family.SB,
        tooltip="Turn per step of normalized layers; settles at √(2ηλ).",
        formula=(
            "2 arcsin √((‖Δ‖² − (‖w_{t+1}‖ − ‖w_t‖)²) / (4 ‖w_t‖ ‖w_{t+1}‖)); of the model: of all layers with a "
            "gradient as one vector"
        ),
        failure=(
            "has its equilibrium only in layers whose scale does not matter; of steps along the weights an angle below "
            "√(2e-7 ‖Δ‖/‖w‖) is lost in rounding"
        ),
        source="Heo et al. (2020); spherical motion dynamics",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test="SGD, SGD with momentum and AdamW at their equilibrium angles .04472, .01026, .01026",
        kind="probe",
        made=True,
    ),
    Metric(
        id="eff_lr",
        name="effective learning rate",
        symbol="η/‖w‖²",
        unit="1/weight²",
        shape="layer",
        range="> 0",
        family=Family.SB,
        tooltip="Learning rate the network actually feels under normalization.",
        formula=(
            "η/‖w‖² for SGD; η/‖w‖, in 1/weight, for Adam and others whose step does not grow with the gradient; of "
            "the model: of all layers with a gradient as one vector, η their mean weighted by ‖w‖²"
        ),
        failure=(
            "means something only for layers whose scale does not matter, as those before a normalization; of others, "
            "and so of the model, it is only the size of the weights in other words"
        ),
        source="Heo et al. (2020)",
        cost=Cost.NONE,
        tier=1,
        reduce=Reduce.FIRST,
        test="no weight decay: ‖w‖² grows by exactly η²‖g‖² a step",
        kind="probe",
        made=True,
    ),
)
