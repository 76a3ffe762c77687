"""Every quantity ergoscope knows: what it is, what it means, how it is made and how it fails.

Docs, axis labels, tooltips and the text in the place of a missing value are made from these entries.
"""

from ergoscope_contract.catalogue import (
    activation,
    curvature,
    distribution,
    generalization,
    gradient,
    invariance,
    loss,
    matrices,
    noise,
    operations,
    quadratic,
    spectrum,
    stability,
    stabilization,
    stationarity,
    trace,
    update,
    weights,
)
from ergoscope_contract.catalogue.entry import Cost, Family, Metric, Reduce
from ergoscope_contract.catalogue.index import collect, find

__all__ = ["ALL", "Cost", "Family", "Metric", "Reduce", "entry"]

ALL = collect(
    table.TABLE
    for table in (
        loss,
        gradient,
        weights,
        update,
        stabilization,
        invariance,
        stationarity,
        noise,
        stability,
        curvature,
        trace,
        spectrum,
        quadratic,
        distribution,
        matrices,
        activation,
        generalization,
        operations,
    )
)


def entry(key: str) -> Metric | None:
    """Give the entry that defines a series, or None for a user's own key.

    Example:
        >>> entry("grad_norm/conv1.weight").name
        'gradient norm'
        >>> entry("val/accuracy") is None
        True
    """
    return find(ALL, key)
