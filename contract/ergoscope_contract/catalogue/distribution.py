"""How the entries of a tensor are spread."""

from ergoscope_contract.catalogue.entry import Cost, Family, Metric, Reduce


def _histogram(name: str, what: str, symbol: str, *, tier: int, absent: str = "") -> Metric:
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
        failure="bins are factors of two wide: finer structure is not seen",
        cost=Cost.PASS,
        tier=tier,
        reduce=Reduce.COUNTS,
        test="entries that are known powers of two fall in their bins; all counts add to the number of entries",
        kind="probe",
        made=not absent,
        absent=absent,
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


TABLE = (
    _histogram("grad_hist", "the gradient", "g", tier=1),
    _histogram("weight_hist", "the weights", "w", tier=1),
    _histogram("update_hist", "the update", "Δ", tier=1),
    _histogram("activation_hist", "the activations", "a", tier=2, absent="activations are not looked at yet"),
    _kurtosis("kurtosis", "weights", "w", "Student t with 10 degrees of freedom: 1; uniform: −1.2"),
    _kurtosis("grad_kurtosis", "gradient", "g", "normal: 0; two values with equal chances: −2"),
)
