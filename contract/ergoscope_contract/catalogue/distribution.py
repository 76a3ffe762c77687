"""How the entries of a tensor are spread."""

from ergoscope_contract.catalogue.entry import Cost, Family, Metric, Reduce


def _histogram(name: str, what: str, symbol: str, *, tier: int) -> Metric:
    return Metric(
        id=name,
        name=f"distribution of {what}",
        symbol=f"hist {symbol}",
        unit="count",
        shape="histogram",
        range="counts ≥ 0 by sign and power of two",
        family=Family.CA,
        tooltip=f"How the entries of {what} are spread in a layer, by sign and order of magnitude.",
        formula=f"counts of floor(log₂|{symbol}|) for each sign; zeros and numbers that are not finite apart",
        failure=(
            "bins are factors of two wide: quantiles and extremes of magnitude are known to a factor of two between "
            "2⁻⁴⁰ and 2⁸; zeros, entries that are not finite, and those below a power of two, as what underflows in "
            "half precision, are counted exactly, of the entries looked at: 32,768 of a larger tensor"
        ),
        cost=Cost.PASS,
        tier=tier,
        reduce=Reduce.COUNTS,
        test="entries that are known powers of two fall in their bins; all counts add to the number of entries",
        kind="probe",
        made=True,
    )


def _kurtosis(name: str, what: str, symbol: str, test: str) -> Metric:
    return Metric(
        id=name,
        name=f"excess kurtosis of the {what}",
        symbol=f"κ({symbol})",
        shape="layer",
        range="≥ −2",
        family=Family.CA,
        tooltip=f"How heavy the tails of a layer's {what} are: 0 is the bell curve, above it a few entries stick out.",
        formula="m₄/m₂² − 3 of the entries, of 32,768 of them in larger layers; one layer at a time",
        failure=(
            "infinite for heavy tails, and then every sample gives another number; absent where all entries are equal"
        ),
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test=test,
        kind="probe",
        made=True,
    )


def _largest(name: str, what: str, symbol: str, *, unit: str, family: Family, failure: str) -> Metric:
    return Metric(
        id=name,
        name=f"largest entry of the {what}",
        symbol=f"max |{symbol}|",
        unit=unit,
        shape="layer",
        range="≥ 0",
        family=family,
        tooltip=f"The entry of the {what} that is farthest from zero.",
        formula=f"max over all entries of |{symbol}|; of the model: the largest of its layers'",
        failure=failure,
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.MAX,
        test="entries that are known, over two layers and two optimizers",
        kind="probe",
        made=True,
    )


TABLE = (
    _histogram("grad_hist", "the gradient", "g", tier=1),
    _histogram("weight_hist", "the weights", "w", tier=1),
    _histogram("update_hist", "the update", "Δ", tier=1),
    _histogram("activation_hist", "the activations", "a", tier=2),
    _kurtosis("kurtosis", "weights", "w", "Student t with 10 degrees of freedom: 1; uniform: −1.2"),
    _kurtosis("grad_kurtosis", "gradient", "g", "normal: 0; two values with equal chances: −2"),
    _largest(
        "weight_maxabs",
        "weights",
        "w",
        unit="weight",
        family=Family.CA,
        failure="one entry in millions: it says nothing of the rest",
    ),
    _largest(
        "grad_maxabs",
        "gradient",
        "g",
        unit="loss/weight",
        family=Family.SB,
        failure="of the gradient as the optimizer used it, after clipping; one entry in millions, and mostly noise",
    ),
)
