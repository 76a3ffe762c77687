"""A run's series by layer: which quantities there are, which of them a layer has, and how they are compared."""

from collections.abc import Iterable, Sequence
from typing import Literal

from ergoscope_contract.catalogue import ALL, Family, Metric, entry

Against = Literal["ratio", "difference", "zero"]
FIRST = "grad_norm"
QUANTITIES = tuple(metric.id for metric in ALL.values() if metric.shape == "layer")
HISTOGRAMS = tuple(metric.id for metric in ALL.values() if metric.shape == "histogram")


def offered(keys: Iterable[str]) -> list[tuple[Family, list[Metric]]]:
    """The quantities that a run has by layer, by family, both in the order of the catalogue.

    Example:
        >>> [(family.value, [m.id for m in some]) for family, some in offered(["grad_norm/a", "loss", "kurtosis/a"])]
        [('stationarity', ['grad_norm']), ('capacity and structure', ['kurtosis'])]
    """
    there = {head for head, _ in map(_split, keys) if head}
    metrics = [ALL[quantity] for quantity in QUANTITIES if quantity in there]
    by_family = [(family, [metric for metric in metrics if metric.family is family]) for family in Family]
    return [(family, some) for family, some in by_family if some]


def choose(found: Sequence[tuple[Family, Sequence[Metric]]], wanted: str) -> str:
    """The quantity to show: the one asked for if it is one of layers, measured or not; else the first choice."""
    there = [metric.id for _, some in found for metric in some]
    if wanted in QUANTITIES:
        return wanted
    return FIRST if FIRST in there or not there else there[0]


def names(keys: Iterable[str]) -> list[str]:
    """All layers of a run in order of appearance: parameters, and modules where a quantity is taken by module."""
    return list(dict.fromkeys(layer for _, layer in map(_split, keys) if layer))


def of_layer(keys: Iterable[str], layer: str) -> list[str]:
    """The quantities that a run has of one layer, in the order of the catalogue.

    Example:
        >>> keys = ["zero_fraction/relu", "weight_norm/a.weight", "grad_norm/a.weight"]
        >>> of_layer(keys, "a.weight"), of_layer(keys, "relu")
        (['grad_norm', 'weight_norm'], ['zero_fraction'])
    """
    there = {head for head, name in map(_split, keys) if name == layer and name}
    return [quantity for quantity in QUANTITIES if quantity in there]


def against(quantity: str) -> Against:
    """How rows are compared, by the range that the catalogue gives.

    Where values are positive by nature, by the ratio to the row's median; shares by their size; the rest, that may be
    on both sides of zero, by the difference from the row's median.
    """
    metric = entry(quantity)
    span = "" if metric is None else metric.range
    if span.startswith("[0, 1]"):
        return "zero"
    return "ratio" if span.startswith(("≥ 0", "> 0", "> 1", "[1,")) else "difference"


def _split(key: str) -> tuple[str, str]:
    """Quantity and layer of a layer's series; two empty texts for all others."""
    head, _, layer = key.partition("/")
    return (head, layer) if layer and head in QUANTITIES else ("", "")
