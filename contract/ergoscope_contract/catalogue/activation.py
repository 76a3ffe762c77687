"""Activations: silent units, zeros, and the geometry of the last features."""

from ergoscope_contract.catalogue.entry import Cost, Family, Metric, Reduce

FEATURES = (
    "features and labels of 16 training steps in a row, dropout included, up to 2,048 features and 128 classes; absent "
    "without torch's own cross-entropy over classes and a linear layer that gives its scores, or with fewer than 8 "
    "examples of a class"
)

TABLE = (
    Metric(
        id="dead_unit_rate",
        name="dead units",
        symbol="dead",
        shape="layer",
        range="[0, 1]",
        family=Family.CA,
        tooltip="Share of units silent on everything we showed them.",
        formula=(
            "share of units that are zero on all N examples of 16 looks; after a smooth nonlinearity zero is what lies "
            "below 1e-3 of the layer's root mean square"
        ),
        failure=(
            "a unit that fires once in 1,000 is missed by 512 examples 60 % of the time: p < 3/N is all that is known; "
            "nonlinearities that are functions and compiled models are not seen"
        ),
        source="Liu et al. (2022): dead neuron rate",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test="7 dead units of 100: .070",
        kind="probe",
        made=True,
    ),
    Metric(
        id="dead_unit_examples",
        name="examples shown to the units",
        symbol="N",
        unit="examples",
        range="≥ 1",
        family=Family.CA,
        tooltip="How many examples every unit was shown before it was called dead.",
        formula="examples looked at in the 16 looks, of the layer with the fewest",
        failure="of large outputs only the first examples of a batch are looked at",
        cost=Cost.NONE,
        tier=1,
        reduce=Reduce.FIRST,
        test="16 looks at batches of known size",
        kind="probe",
        made=True,
    ),
    Metric(
        id="zero_fraction",
        name="zero activations",
        symbol="zero",
        shape="layer",
        range="[0, 1]",
        family=Family.CA,
        tooltip="Share of zero activations: units that are dead for one example, and may wake for the next.",
        formula=(
            "share of entries that are zero after the nonlinearity, on a batch; after a smooth nonlinearity zero is "
            "what lies below 1e-3 of the layer's root mean square"
        ),
        failure="½ is normal for ReLU; nonlinearities that are functions and compiled models are not seen",
        source="Liu et al. (2022): dynamic dead neuron rate",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.MEAN,
        test="7 dead units of 100 and Gaussian inputs: .535",
        kind="probe",
        made=True,
    ),
    Metric(
        id="input_rms",
        name="size of the input",
        symbol="rms x",
        unit="the input's unit",
        range="≥ 0",
        family=Family.ST,
        tooltip="Root mean square of what enters the first layer.",
        formula="√(mean x²) of the first layer's input",
        failure="embeddings have no magnitude: then there is no value",
        source="Petersen et al. (2024)",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.MEAN,
        test="inputs of known size",
        kind="probe",
        made=True,
    ),
    Metric(
        id="input_contrast",
        name="contrast of the input",
        symbol="sd x",
        unit="the input's unit",
        range="≥ 0",
        family=Family.ST,
        tooltip="Spread over the features of one example, averaged over the batch.",
        formula="mean over examples of the standard deviation over features",
        failure="embeddings have no magnitude: then there is no value",
        source="Petersen et al. (2024)",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.MEAN,
        test="inputs of known spread",
        kind="probe",
        made=True,
    ),
    Metric(
        id="feature_rank",
        name="effective rank of the features",
        symbol="exp H(σ(Φ))",
        range="[1, smaller of rows and features]",
        family=Family.CA,
        tooltip="Number of directions that the last features use. When it falls, the net tells fewer things apart.",
        formula=(
            "exp(−Σ pᵢ log pᵢ), pᵢ = σᵢ/Σσ, σ the singular values of up to 512 rows that entered the last linear "
            "layer, 32 of each of 16 training steps in a row, dropout included, fewer for more than 1,024 features; an "
            "event says of how many. No mean is taken off. What is below a thousandth of the largest σ counts as zero"
        ),
        failure=(
            "grows with the rows while they are few: compare runs of one batch size; a large common mean hides the "
            "rest; the last linear layer in the order of the modules need not be the head"
        ),
        source="Roy, Vetterli (2007)",
        cost=Cost.PASS,
        tier=3,
        reduce=Reduce.FIRST,
        test="k orthonormal features read k, one direction 1, Gaussian rows what the law of Marchenko and Pastur says",
        kind="probe",
        made=True,
    ),
    Metric(
        id="nc1",
        name="collapse within classes",
        symbol="NC1",
        range="≥ 0",
        family=Family.CA,
        tooltip=(
            "How much the last features of one class still differ, against the distance of classes. Falls to 0 in "
            "collapse."
        ),
        formula=f"Tr(Σ_W Σ_B⁺)/C; {FEATURES}",
        failure=(
            "too small by some 1/n of itself at n examples of a class, see nc_examples; directions in which class "
            "means differ by less than .3 % of their largest difference are left out"
        ),
        source="Papyan, Han, Donoho (2020)",
        cost=Cost.PASS,
        tier=3,
        reduce=Reduce.FIRST,
        test="exact simplex 0; simplex with known noise .1440",
        kind="probe",
        made=True,
    ),
    Metric(
        id="nc2_norm",
        name="equal lengths of class means",
        symbol="NC2",
        range="≥ 0",
        family=Family.CA,
        tooltip="How unequal the lengths of the class means are. Falls to 0 in collapse.",
        formula="sd/mean of ‖μ_c − μ_G‖, μ_G the mean of the class means",
        failure="means of few examples differ in length by chance, see nc_examples",
        source="Papyan, Han, Donoho (2020)",
        cost=Cost.PASS,
        tier=3,
        reduce=Reduce.FIRST,
        test="exact simplex: 0",
        kind="probe",
        made=True,
    ),
    Metric(
        id="nc2_angle",
        name="equal angles of class means",
        symbol="NC2 angle",
        range="≥ 0",
        family=Family.CA,
        tooltip="How far the angles between class means are from those of a symmetric simplex. Falls to 0 in collapse.",
        formula="mean |cos + 1/(C−1)| over pairs of μ_c − μ_G",
        failure="impossible to reach when there are more classes than feature dimensions plus one",
        source="Papyan, Han, Donoho (2020)",
        cost=Cost.PASS,
        tier=3,
        reduce=Reduce.FIRST,
        test="exact simplex: 0",
        kind="probe",
        made=True,
    ),
    Metric(
        id="nc3",
        name="head against class means",
        symbol="NC3",
        range="[0, 4]",
        family=Family.CA,
        tooltip="How far the last layer's weights are from the class means. Falls to 0 in collapse.",
        formula="‖W/‖W‖_F − M/‖M‖_F‖²_F, M the class means around their mean",
        failure="2 for a head that has nothing to do with the features; it says nothing of their scale",
        source="Papyan, Han, Donoho (2020)",
        cost=Cost.PASS,
        tier=3,
        reduce=Reduce.FIRST,
        test="exact simplex 0; random features near 2",
        kind="probe",
        made=True,
    ),
    Metric(
        id="nc4",
        name="head against nearest class mean",
        symbol="NC4",
        range="[0, 1]",
        family=Family.CA,
        tooltip="Share of examples on which the head and the nearest class mean disagree. Falls to 0 in collapse.",
        formula=(
            "share of the examples of the last 8 of 16 steps with argmax of the logits ≠ nearest mean of the steps "
            "before"
        ),
        failure="with few examples of a class its mean is off, and more examples seem to disagree",
        source="Papyan, Han, Donoho (2020)",
        cost=Cost.PASS,
        tier=3,
        reduce=Reduce.FIRST,
        test="exact simplex with its bias: 0; without it: .8",
        kind="probe",
        made=True,
    ),
    Metric(
        id="nc_examples",
        name="examples of the rarest class",
        symbol="N/class",
        unit="examples",
        range="≥ 0",
        family=Family.CA,
        tooltip="How many examples of every class, at least, the readings of collapse rest on.",
        formula="examples of the class that was shown least in the 16 steps",
        failure="with fewer than 8 there are no other readings",
        cost=Cost.NONE,
        tier=3,
        reduce=Reduce.FIRST,
        test="batches of known classes",
        kind="probe",
        made=True,
    ),
)
