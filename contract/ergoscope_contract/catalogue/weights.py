"""The weights: their size, direction, spread and where they came from."""

from ergoscope_contract.catalogue.entry import Cost, Family, Metric, Reduce


def _moment(name: str, words: str, symbol: str, numbers: str, tooltip: str, formula: str, failure: str) -> Metric:
    return Metric(
        id=name,
        name=words,
        symbol=symbol,
        unit="weight",
        shape="layer",
        range=numbers,
        family=Family.CA,
        tooltip=tooltip,
        formula=formula,
        failure=failure,
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test="uniform on [−1, 3]: mean 1, standard deviation 4/√12 = 1.1547",
        kind="probe",
        made=True,
    )


TABLE = (
    Metric(
        id="weight_norm",
        name="weight norm",
        symbol="‖w‖",
        unit="weight",
        shape="layer",
        range="≥ 0",
        family=Family.ST,
        tooltip="Size of the weights.",
        formula="‖w‖₂; of the model: √(Σ over layers of ‖w‖²)",
        failure="says nothing of layers followed by normalization, whose scale does not matter",
        cost=Cost.PASS,
        tier=0,
        reduce=Reduce.SQUARES,
        test="weights set to known numbers read their norm; the model's square is the sum of the layers' squares",
        kind="probe",
        made=True,
    ),
    _moment(
        "weight_mean",
        "mean weight",
        "w̄",
        "real numbers",
        "Where the weights of a layer are centred.",
        "mean of w over the entries, of 32,768 of them in larger layers; one layer at a time",
        "says nothing of single units",
    ),
    _moment(
        "weight_sd",
        "spread of the weights",
        "sd(w)",
        "≥ 0",
        "How far the weights of a layer are spread around their mean.",
        "√(mean (w − w̄)²) over the entries, of 32,768 of them in larger layers; one layer at a time",
        "a few large entries may make most of it: look at the kurtosis",
    ),
    Metric(
        id="cos_weight_lagk",
        name="agreement with earlier weights",
        symbol="cos(w_t, w_{t−k})",
        range="[−1, 1]",
        family=Family.ST,
        tooltip="Has the direction of the weights stopped changing?",
        formula=(
            "w_t·w_{t−k} / (‖w_t‖ ‖w_{t−k}‖) with k = t/2, as a constant k hides slow turning; from sketches of 1,021 "
            "numbers, at steps 4, 5, 6, 7 times a power of two"
        ),
        failure=(
            "large weights hide motion; near 1 the turn says more, dir_step = √(2(1 − cos)); after a resume absent "
            "until the step has doubled"
        ),
        source="Ji, Telgarsky (2020)",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test="separable data whose best direction is known: the angle to it shrinks as theory says",
        kind="probe",
        made=True,
    ),
    Metric(
        id="dir_step",
        name="turn since half the run ago",
        symbol="‖u_t − u_{t/2}‖",
        range="[0, 2]",
        family=Family.ST,
        tooltip="How far the weight direction turned since half the run ago.",
        formula="u = w/‖w‖; ‖u_t − u_{t/2}‖ from sketches of 1,021 numbers, at steps 4, 5, 6, 7 times a power of two",
        failure="read from a sketch it has an error of some 3 %; after a resume absent until the step has doubled",
        source="Ji, Telgarsky (2020)",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test="separable data whose best direction is known: steps on a geometric grid shrink as theory says",
        kind="probe",
        made=True,
    ),
    Metric(
        id="weight_sketch",
        name="sketch of the weights",
        symbol="Sw",
        unit="weight",
        shape="sketch",
        range="1,021 real numbers",
        family=Family.ST,
        also=Family.LS,
        tooltip="All weights folded into 1,021 numbers that keep distances and angles: where training is, in short.",
        formula="bucket b of the sketch: Σ over the weights in b of ±w, signs and buckets drawn from names and a seed",
        failure=(
            "squared distances have an error of 4.4 %; compare sketches of one seed, equal names and equal shapes; "
            "with several optimizers it is made at steps at which all of them moved"
        ),
        source="Charikar, Chen, Farach-Colton (2002)",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test="ratio of squared lengths: mean 1, standard deviation √(2/1,021) = .0443",
        kind="probe",
        made=True,
    ),
    Metric(
        id="cos_w_neg_grad",
        name="alignment of weights and slope",
        symbol="cos(w, −∇F)",
        shape="layer",
        range="[−1, 1]",
        family=Family.ST,
        tooltip=(
            "Late in separable classification the gradient lines up with the weights (only the scale grows). "
            "0 for normalized layers."
        ),
        formula="−w·g / (‖w‖ ‖g‖), g at w as the optimizer used it; of the model: over all layers with a gradient",
        failure=(
            "means nothing for nets that are not homogeneous; a random direction is near 0 too, within 1/√entries; "
            "g is that of a batch, whose noise pulls it to 0"
        ),
        source="Ji, Telgarsky (2020)",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test="separable data: .999549 after ten steps; a layer before batch normalization: 0",
        kind="probe",
        made=True,
    ),
    Metric(
        id="dual_alignment",
        name="alignment in the optimizer's geometry",
        symbol="⟨w, −g⟩/(‖w‖ ‖g‖*)",
        range="[−1, 1]",
        family=Family.ST,
        tooltip="Alignment measured in the optimizer's own geometry.",
        formula=(
            "⟨w, −g⟩ / (‖w‖∞ ‖g‖₁), for sign-like steps such as Adam's: largest |w|, and sum of |g|, over all layers "
            "with a gradient, g at w as the optimizer used it"
        ),
        failure=(
            "the norm must be the one the optimizer descends in: of plain SGD it says nothing, see cos_w_neg_grad; one "
            "large weight, as the gain of a normalization, makes it small; g is that of a batch"
        ),
        source="Tsilivis, Vardi, Kempe (2025)",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test="sign descent on separable data tends to 1 as 1/t",
        kind="probe",
        made=True,
    ),
    Metric(
        id="dist_from_init",
        name="distance from the start",
        symbol="‖w − w₀‖",
        unit="weight",
        shape="layer",
        range="≥ 0",
        family=Family.GE,
        tooltip="Distance travelled from the start.",
        formula=(
            "‖w_t − w₀‖₂, w₀ the weights before the first step that was seen; of a layer of more than 65,344 entries "
            "from sketches of 1,021 numbers"
        ),
        failure=(
            "grows for ever under diffusion; compare only runs of one architecture; from sketches it has an error of "
            "2.2 %, and one of 4e-7 of the weights; after a resume absent, as where the run began is not known"
        ),
        source="Hoffer, Hubara, Soudry (2017)",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.SQUARES,
        test="a straight walk: steps times their length; large and small layers, whole and in parts",
        kind="probe",
        made=True,
    ),
)
