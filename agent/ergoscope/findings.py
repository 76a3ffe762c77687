"""What the readings of one step add up to, over all its optimizers."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from ergoscope.layers import Layout
from ergoscope_contract.records import Event, Histogram, Sketch


class Column(NamedTuple):
    """One quantity of many layers: value i belongs to layer i of the layout, named by `names`."""

    metric: str
    layout: int
    names: Sequence[str]
    values: Sequence[float]


class Findings:
    """Collects what the probes read of one step; global values are made of the layers' only at the end.

    Attributes:
        step: Optimizer steps done.
        scalars: Global values by metric key.
        columns: Values of layers.
        records: Histograms, sketches and events.
    """

    def __init__(self, step: int, scalars: dict[str, float]) -> None:
        """Begin with what is known of the step without any reading."""
        self.step = step
        self.scalars = scalars
        self.columns: list[Column] = []
        self.records: list[Histogram | Sketch | Event] = []
        self._squares: dict[str, float] = {}
        self._loss = 0.0
        self._losses = 0

    def add_loss(self, total: float, count: int) -> None:
        """Count `count` backward calls whose losses have the sum `total`."""
        self._loss += total
        self._losses += count

    def add_squares(self, metric: str, squares: float) -> None:
        """Add one optimizer's sum of squares to a norm over all of them."""
        self._squares[metric] = self._squares.get(metric, 0.0) + squares

    def add_norms(self, metric: str, layout: Layout, names: Sequence[str], norms: Sequence[float]) -> None:
        """Add the norms of an optimizer's layers, to their own series and to the global one."""
        self.add_squares(metric, sum([n * n for n in norms]))
        if layout.layered:
            self.columns.append(Column(metric, layout.number, names, norms))

    def add_count(self, metric: str, count: float) -> None:
        """Add to a quantity that is a sum."""
        self.scalars[metric] = self.scalars.get(metric, 0.0) + count

    def settle(self) -> None:
        """Make the global values: the mean loss, the norms, and the ratio of two of them.

        A loss that is not finite counts as one non-finite number of its own.
        """
        if self._losses:
            self.scalars["loss"] = loss = self._loss / self._losses
            if "nonfinite_count" in self.scalars and not math.isfinite(loss):
                self.scalars["nonfinite_count"] += 1.0
        squares = self._squares
        moving = squares.pop("moving", None)
        for metric, square in squares.items():
            self.scalars[metric] = square**0.5
        if moving is not None and "update_norm" in squares:
            self.scalars["update_ratio"] = (squares["update_norm"] / moving) ** 0.5 if moving else float("nan")
