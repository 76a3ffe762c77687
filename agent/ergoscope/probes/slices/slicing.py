"""One slice of the loss, from its request to its grid."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from math import isfinite
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from ergoscope.curvature.axes import layer_normalised, orthonormal, residual, settled
from ergoscope.curvature.blocks import blocks_of
from ergoscope.curvature.ladder import How
from ergoscope.curvature.lanczos import Lanczos, Ritz, ritz
from ergoscope.curvature.objective import Objective
from ergoscope.curvature.parts import join
from ergoscope.curvature.probed import Probed, probed_products
from ergoscope.curvature.room import lasting, needed, spare
from ergoscope.curvature.slices import half_width, losses_at, outline, spread
from ergoscope.curvature.snapshot import Snapshot
from ergoscope.curvature.vectors import norm
from ergoscope.layers import parameters_of
from ergoscope.probes.slices.sheet import Sheet, name_axes
from ergoscope.probes.vantage.trust import Trust
from ergoscope_contract.records import Grid
from ergoscope_contract.slices import SliceRequest

_SEED = 0
_PRODUCTS = 3  # in a slot
_LEAST = 6  # products that steep directions take, unless they are settled before
_MOST = 60  # and that they may take, where there is memory for them
_USUAL = 20  # by which most are settled: that it takes more is told
_KEPT = 4  # vectors kept beside those while the training goes on: the weights, the update, the axes
_MADE = 5  # vectors that a slot makes and lets go: the gradient, products, what is on the way


@dataclass(frozen=True, slots=True)
class Turn:
    """What a slot begins with.

    step: optimizer steps done.
    numbers: what the slot before has made, on the host by now; seconds: what that took.
    patience: seconds that this one may take, if its work can be divided.
    """

    step: int
    numbers: Sequence[float]
    seconds: float
    patience: float


Made = TypeVar("Made")
Slots = Generator[Tensor | None, Turn, Made]
"""Slots of work. Each gives numbers on the device, or None when the next one must be at the very next step."""


class Slicing:
    """Measures what a request asks for, at the weights after one step, while the training goes on.

    Two copies of the weights, one step apart, show the last update. Then the axes are found, by a few products a slot;
    then slope and curvature along them; then the losses, at most one row a slot. No slot ends inside a visit to the
    snapshot: between them weights, buffers and generators are those of the training.
    """

    def __init__(
        self,
        request: SliceRequest,
        objective: Objective,
        optimizers: Sequence[Optimizer],
        *,
        trust: Trust,
        publish: Callable[[Grid], None],
        tell: Callable[[str], None],
    ) -> None:
        """Prepare.

        Args:
            request: What is asked.
            objective: The fixed batch.
            optimizers: Those of the job.
            trust: What was found out about the job's own functions.
            publish: Takes the grid as its rows come in.
            tell: Takes what the user is to know before there are rows.

        Raises:
            ValueError: Nothing is trained, or there is no memory for it.
        """
        self._request = request
        self._objective = objective
        self._optimizers = optimizers
        self._trust = trust
        self._publish = publish
        self._tell = tell
        self._how = How.EXACT
        self._told = ""
        self._parameters = self._trained()
        self._size = sum(p.numel() for p in self._parameters)
        self.device = self._parameters[0].device
        # Before there are vectors: later they would count as if a graph of gradients held as many again.
        self._slot, self._two = (needed(self._size, n * _PRODUCTS + _MADE, self.device) for n in (1, 2))
        kept = _KEPT + _PRODUCTS + (_LEAST if request.axes == "hessian" else 0)
        missing = self._missing(kept, needed(self._size, kept + _MADE, self.device))
        if missing:
            raise ValueError(missing)

    def check(self) -> None:
        """Look whether there may be another slot.

        Raises:
            ValueError: The batch cannot be run here, other parameters are trained than at the beginning, or there is no
                memory left for it.
        """
        obstacle = self._objective.obstacle()
        if obstacle:
            raise ValueError(obstacle)
        if list(map(id, self._trained())) != list(map(id, self._parameters)):
            raise ValueError("other parameters are trained than when it was begun; ask again")
        missing = self._missing(_PRODUCTS, self._slot)
        if missing:
            raise ValueError(missing)

    def work(self) -> Slots[Grid]:
        """Do it, slot after slot.

        Raises:
            ValueError: It cannot be measured.
        """
        moved = yield from self._settle()
        yield from self._vouch()
        axes = yield from self._directions(moved)
        del moved
        sheet = yield from self._outline(axes)
        yield from self._fill(sheet, axes)
        return self._record(partial=False)

    def _settle(self) -> Slots[Tensor]:
        """Keep the weights of a step, and give its update."""
        before = [p.detach().clone() for p in self._parameters]
        turn = yield None
        self._step, self._snapshot = turn.step, Snapshot(self._objective, self._parameters)
        moves = [now - then for now, then in zip(self._snapshot.weights, before, strict=True)]
        moved = join(moves, self._parameters)
        turn = yield torch.stack([norm(moved), norm(join(self._snapshot.weights, self._parameters))])
        update, self._length = turn.numbers
        self._update = update if isfinite(update) else 0.0  # as after a step out of weights that were not finite
        if not isfinite(self._length):
            raise ValueError(f"the weights are not finite at step {self._step}")
        return moved

    def _vouch(self) -> Slots[None]:
        """Find out how products with the Hessian can be had."""
        with self._probed() as probed:
            self._how, custom, doubt = probed.how, probed.custom, probed.doubt
        turn = yield torch.empty(0) if doubt is None else doubt[None]
        if doubt is not None:
            self._how = self._trust.judge(custom, turn.numbers[0]) or How.DIFFERENCE

    def _directions(self, moved: Tensor) -> Slots[list[Tensor]]:
        dimensions = self._request.dimensions
        if self._request.axes == "hessian":
            return (yield from self._steepest(dimensions))
        if self._request.axes == "random":
            return layer_normalised(self._snapshot.weights, range(dimensions))
        if dimensions == 1:
            return orthonormal([moved])
        with self._probed() as probed:
            return orthonormal([moved, probed.products.gradient.clone()])

    def _steepest(self, wanted: int) -> Slots[list[Tensor]]:
        dtype = torch.float64 if any(p.dtype == torch.float64 for p in self._parameters) else torch.float32
        lanczos = Lanczos.random(self._size, seed=_SEED, keep=True, device=self.device, dtype=dtype)
        while True:
            with self._probed() as probed:
                for _ in range(_PRODUCTS):
                    lanczos.step(probed.products)
            turn = yield lanczos.coefficients().flatten()
            found = ritz(*np.reshape(turn.numbers, (2, -1)))
            if not isfinite(found.values[-1]):
                raise ValueError(f"products with the Hessian are not finite at step {self._step}")
            ended = len(found.values) < lanczos.steps
            if ended or settled(found, wanted) or not self._goes_on(lanczos.steps):
                break
            if lanczos.steps - _PRODUCTS < _USUAL <= lanczos.steps:
                self._tell(
                    f"a slice that was asked for takes longer: {_unsettled(found, wanted)}, and up to {_MOST} are made"
                )
        if len(found.values) < wanted:
            raise ValueError("the loss is curved along one direction only; ask for one dimension")
        if not settled(found, wanted):
            self._told += f"; {_unsettled(found, wanted)}"
        return orthonormal([lanczos.vector(found.components[:, -1 - place]) for place in range(wanted)])

    def _outline(self, axes: list[Tensor]) -> Slots[Sheet]:
        """Measure loss, slope and curvature at the centre, and lay out the points."""
        with self._probed() as probed:
            told = outline(probed.products, axes)
        centre = losses_at(self._snapshot, axes, [[0.0] * len(axes)], seed=_SEED).flatten()
        turn = yield torch.cat([torch.stack([norm(axis) for axis in axes]), told, centre])
        return self._lay_out(turn.numbers, dimensions=len(axes), modes=len(centre))

    def _lay_out(self, numbers: Sequence[float], *, dimensions: int, modes: int) -> Sheet:
        lengths, told, levels = numbers[:dimensions], numbers[dimensions:-modes], numbers[-modes:]
        for name, length in zip(name_axes(self._request), lengths, strict=True):
            if not length > 0:
                raise ValueError(f"there is no {name}: it has no length")
        if not all(map(isfinite, [*told, levels[0]])):
            raise ValueError(f"loss, slope or curvature on the fixed batch are not finite at step {self._step}")
        curvatures, slopes = told[:-dimensions], told[-dimensions:]
        halves = [
            self._request.extent or half_width(levels[0], curvature, update=self._update, weights=self._length)
            for curvature in curvatures[:dimensions]
        ]
        sheet = Sheet(self._request, [spread(half, self._request.points) for half in halves], modes=modes)
        sheet.enter([sheet.middle], levels)
        self._record = partial(
            sheet.grid,
            step=self._step,
            curvatures=curvatures,
            slopes=slopes,
            update=self._update,
            batch=self._objective.batch,
            how=f"{self._how}{self._told}",
        )
        return sheet

    def _fill(self, sheet: Sheet, axes: list[Tensor]) -> Slots[None]:
        """Measure the losses of all points: in a slot as many as there is patience for, and at most a row."""
        count, row, last = 1, self._request.points, len(sheet.points) - 1
        for begin in range(0, len(sheet.points), row):
            left = [point for point in range(begin, begin + row) if point != sheet.middle]
            while left:
                taken, left = left[:count], left[count:]
                offsets = [sheet.points[point] for point in taken]
                turn = yield losses_at(self._snapshot, axes, offsets, seed=_SEED).flatten()
                sheet.enter(taken, turn.numbers)
                count = row if turn.seconds <= 0 else max(1, int(len(taken) * turn.patience / turn.seconds))
                if taken[-1] != last and (len(axes) == 1 or not left):
                    self._publish(self._record(partial=True))

    @contextmanager
    def _probed(self) -> Iterator[Probed]:
        """Products at the snapshot, while the context lasts."""
        snapshot, trust = self._snapshot, self._trust
        with (
            snapshot.visited(),
            probed_products(
                snapshot.objective,
                snapshot.parameters,
                seed=_SEED,
                trusted=trust.functions,
                differences=trust.differences,
            ) as probed,
        ):
            yield probed

    def _trained(self) -> tuple[Tensor, ...]:
        trained = [p for one in self._optimizers for p in parameters_of(one)]
        return blocks_of(self._objective.model, trained, "model")[0].parameters

    def _goes_on(self, made: int) -> bool:
        """Whether so many products are not enough: the slot after the next one has to find room as well."""
        return made < _LEAST or (made < _MOST and not self._missing(2 * _PRODUCTS, self._two))

    def _missing(self, kept: int, least: float) -> str:
        """Why there is no memory for so many vectors that are kept while the training goes on; empty where there is.

        Args:
            kept: Vectors.
            least: Bytes that are used at once, those among them.
        """
        free = spare(self.device)
        if least > free:
            return f"there is no memory for it: it needs {_mebibytes(least)}, and {free / 2**20:,.0f} are free"
        if not lasting(self._size, kept, self.device):
            held = _mebibytes(4.0 * self._size * kept)
            return f"there is no memory for it: it keeps {held}, which are not free whenever the training uses most"
        return ""


def _mebibytes(size: float) -> str:
    return f"{size / 2**20:,.0f} MiB"


def _unsettled(found: Ritz, wanted: int) -> str:
    off = 100 * residual(found, wanted)
    return f"steepest direction{'s' * (wanted > 1)} after {len(found.values)} products, residual {off:.2g} %"
