"""Finding a quantity by the key of its series."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from ergoscope_contract.catalogue.entry import Metric

_SPLIT = ("layer", "group", "histogram", "spectrum")  # shapes that exist for a part of the model too


def collect(tables: Iterable[Iterable[Metric]]) -> Mapping[str, Metric]:
    """Join the families' tables into one read-only mapping by id, in the order given.

    Raises:
        ValueError: two entries have one id.
    """
    index: dict[str, Metric] = {}
    for metric in (metric for table in tables for metric in table):
        if metric.id in index:
            raise ValueError(f"catalogue id {metric.id!r} is there twice; a quantity is declared once")
        index[metric.id] = metric
    return MappingProxyType(index)


def find(index: Mapping[str, Metric], key: str) -> Metric | None:
    """Give the entry that defines a series, or None for a user's own key.

    "grad_norm" and "grad_norm/conv1.weight" are both the gradient norm. "loss/val" is a user's own key: the loss
    is a number of the whole model and has no layers.
    """
    head, slash, layer = key.partition("/")
    metric = index.get(head)
    if metric is None or not slash:
        return metric
    return metric if layer and metric.shape in _SPLIT else None
