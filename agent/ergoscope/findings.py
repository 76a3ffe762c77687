"""What the readings of one step add up to, over all its optimizers."""

import math
import sys
from array import array
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ergoscope.layers import Layout
from ergoscope_contract.records import Event, Histogram, Sketch, Spectrum


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
        rows: Keys and values of one layer whose turn it was, each a row of its own.
        records: Histograms, sketches, spectra and events.
        largest: Of quantities that are a maximum, the largest of the optimizers so far; probes make something of it.
    """

    def __init__(self, step: int, scalars: dict[str, float], *, optimizers: int = 1) -> None:
        """Begin with what is known of the step without any reading; `optimizers` is how many the job has."""
        self.step = step
        self._optimizers = optimizers
        self.scalars = scalars
        self.columns: list[Column] = []
        self.rows: list[tuple[tuple[str, ...], Sequence[float]]] = []
        self.records: list[Histogram | Sketch | Spectrum | Event] = []
        self.largest: dict[str, float] = {}
        self._squares: dict[str, float] = {}
        self._parts: dict[str, _Parts] = {}
        self._sketches: dict[tuple[str, int], _Parts] = {}
        self._loss = 0.0
        self._losses = 0
        self._first: float | None = None

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

    def add_first(self, norm: float) -> None:
        """Add the norm of the first layer's gradient, as the optimizer used it."""
        self._first = norm

    def column(self, metric: str, layout: Layout) -> Sequence[float] | None:
        """A quantity of a layout's layers as found so far; None when it was not read at this step."""
        return next((c.values for c in self.columns if c.metric == metric and c.layout == layout.number), None)

    def add_count(self, metric: str, count: float) -> None:
        """Add to a quantity that is a sum."""
        self.scalars[metric] = self.scalars.get(metric, 0.0) + count

    def add_largest(self, metric: str, value: float) -> None:
        """Hold a quantity of one optimizer against that of the others: the largest counts, and what is no number."""
        before = self.largest.get(metric, 0.0)
        self.largest[metric] = before if value <= before or math.isnan(before) else value

    def add_parts(self, metric: str, parts: Sequence[float], make: Callable[[Sequence[float]], float]) -> None:
        """Add one optimizer's share of sums over all parameters, of which `make` makes the quantity in the end.

        The quantity is absent when an optimizer of the job has no share in this step.
        """
        _add(self._parts.setdefault(metric, _Parts([0.0] * len(parts), make)), parts)

    def add_sketch(self, key: str, seed: int, values: Sequence[float]) -> None:
        """Add the sketch of one optimizer's parameters: they are linear, so that of the whole model is the sum.

        The record is absent when an optimizer of the job has no share in this step.
        """
        _add(self._sketches.setdefault((key, seed), _Parts([0.0] * len(values))), values)

    def settle(self) -> None:
        """Make the global values: the mean loss, the norms, the ratio of two of them, and what is made of parts.

        A loss that is not finite counts as one non-finite number of its own.
        """
        if self._losses:
            self.scalars["loss"] = loss = self._loss / self._losses
            if "nonfinite_count" in self.scalars and not math.isfinite(loss):
                self.scalars["nonfinite_count"] += 1.0
        squares = self._squares
        moving = squares.pop("moving", None)
        unclipped = squares.pop("grad_norm_unclipped", 0.0)  # of optimizers without clipping beside some with it
        if "grad_norm_clipped" in squares:
            squares["grad_norm_clipped"] += unclipped
        for metric, square in squares.items():
            self.scalars[metric] = square**0.5
        whole = self.scalars.get("grad_norm_clipped", self.scalars.get("grad_norm"))
        if self._first is not None and whole:
            self.scalars["first_layer_share"] = min(1.0, self._first / whole)
        if moving is not None and "update_norm" in squares:
            self.scalars["update_ratio"] = (squares["update_norm"] / moving) ** 0.5 if moving else float("nan")
        for metric, parts in self._parts.items():
            if parts.shares == self._optimizers and parts.make is not None:
                self.scalars[metric] = parts.make(parts.sums)
        for (key, seed), parts in self._sketches.items():
            if parts.shares == self._optimizers:
                packed = array("f", parts.sums)
                if sys.byteorder == "big":
                    packed.byteswap()
                self.records.append(Sketch(key=key, step=self.step, seed=seed, values=packed.tobytes()))


class _Parts:
    """Sums over optimizers, and how many have added to them."""

    def __init__(self, sums: list[float], make: Callable[[Sequence[float]], float] | None = None) -> None:
        self.sums = sums
        self.make = make
        self.shares = 0


def _add(to: _Parts, parts: Sequence[float]) -> None:
    to.sums = [a + b for a, b in zip(to.sums, parts, strict=True)]
    to.shares += 1
