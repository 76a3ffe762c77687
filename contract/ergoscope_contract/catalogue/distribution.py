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


TABLE = (
    _histogram("grad_hist", "the gradient", "g", tier=1),
    _histogram("weight_hist", "the weights", "w", tier=1),
    _histogram("update_hist", "the update", "Δ", tier=1, absent="histograms are taken of gradients and weights only"),
    _histogram("activation_hist", "the activations", "a", tier=2, absent="activations are not looked at yet"),
    Metric(
        id="kurtosis",
        name="excess kurtosis",
        symbol="κ",
        shape="layer",
        range="≥ −2",
        family=Family.CA,
        tooltip="How heavy the tails of the weights, gradients or activations are. 0 is the bell curve.",
        formula="m₄/m₂² − 3",
        failure="infinite for heavy tails, and then every sample gives another number",
        cost=Cost.PASS,
        tier=1,
        reduce=Reduce.FIRST,
        test="Student t with 10 degrees of freedom: 1; uniform: −1.2",
        kind="probe",
        absent="moments are not taken yet",
    ),
)
