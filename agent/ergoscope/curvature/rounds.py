"""Draw after draw of one Hessian that moves, and when the draws no longer belong together.

The products of a draw may be spread over looks. Then they belong to one matrix only as long as the weights stay where
they are, and so does the learning rate, under which curvature settles anew: a draw in which either has moved by more
than a tenth since the first product is given up, and the next ones are made with twice as many products a look, until
one look holds a whole draw, which nothing can move. When as many draws as make a round have kept up, the pace falls by
half again.

A round is of the newest draws, and there is one with each new draw, so that rounds which follow each other share all
but one of theirs. Its draws may be of different weights: it is a mean over the time that it took, and their spread
holds what moved meanwhile. Only when the learning rate jumps from one look to the next are draws from before left out,
so that no reading stands for two regimes.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ergoscope.curvature.draw import Draw, Drawn, read_draw
from ergoscope.curvature.vectors import Product
from ergoscope.numerics.sketch import Sketcher

_FAR = 0.1  # of the weights' length, or of a learning rate: more is another matrix
_JUMP = 0.4  # of a learning rate between two looks: no schedule is as steep, but for a step


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """The numbers of one look on their way to the host: those of each draw that it had a part in, end to end."""

    values: Tensor
    draws: tuple[tuple[Draw, int, int], ...]  # products that it had by then, and how many numbers are of it


@dataclass(frozen=True, slots=True)
class Round:
    """The newest draws, as many as were wanted; `since` is the step at which the first of them was begun."""

    draws: Sequence[Drawn]
    since: int


class Rounds:
    """Makes draws at looks, reads them later, and puts them together.

    Attributes:
        steps: Products of a draw.
        pace: Products of a look.
        lost: Draws given up because the weights or the learning rate moved.
        broken: Draws given up because products were not finite.

    Example:
        >>> diagonal, weights = torch.arange(1.0, 6.0), torch.ones(5)
        >>> rounds = Rounds(steps=4, draws=2, pace=4)
        >>> looks = [rounds.look(lambda v: diagonal * v, [weights], weights) for _ in range(2)]
        >>> [rounds.read(look, look.values.tolist(), step) is not None for step, look in enumerate(looks)]
        [False, True]
    """

    def __init__(self, *, steps: int, draws: int, pace: int) -> None:
        """Begin without a draw.

        Args:
            steps: Products of a draw, at most the size of the matrix.
            draws: Of a round.
            pace: Products of a look, to begin with.
        """
        self.steps = steps
        self.pace = pace
        self.lost = 0
        self.broken = 0
        self._wanted = draws
        self._slowest = pace
        self._sketcher = Sketcher()
        self._begun = 0
        self._draw: Draw | None = None
        self._found: deque[tuple[int, Drawn]] = deque(maxlen=draws)
        self._kept = 0  # draws that were found so far
        self._at_first: Sequence[float] = ()  # rates at the first product of the draw
        self._at_last: Sequence[float] = ()  # and at the last look

    @property
    def between(self) -> bool:
        """Whether no draw is on its way, so that no vectors are kept."""
        return self._draw is None

    @property
    def ends(self) -> bool:
        """Whether a draw will end with the next look."""
        return (self.steps if self._draw is None else self._draw.left) <= self.pace

    def look(
        self,
        product: Product,
        parameters: Sequence[Tensor],
        like: Tensor,
        *,
        rates: Sequence[float] = (),
        step: Callable[[], Tensor | None] = lambda: None,
    ) -> Look:
        """Make the products of one look, without waiting for the device.

        When a draw ends with it, another one is begun only if that can end with it too.

        Args:
            product: v ↦ Hv at the weights as they are.
            parameters: The weights; always the same ones.
            like: Gives shape (size,), dtype and device of the vectors. How much of it lies in the steepest directions
                is told by the draws that end.
            rates: Learning rates, as far as the host knows them.
            step: Gives another vector of which that is told; asked when a draw has ended.
        """
        self._heed(rates)
        made: list[tuple[Draw, int, Tensor]] = []
        left = self.pace
        while not made or left >= self.steps:
            draw = self._draw or self._begin(like, rates)
            left -= (now := min(left, draw.left))
            values = draw.go_on(product, parameters, products=now, slope=like, step=step)
            made.append((draw, self.steps - draw.left, values))
            self._draw = draw if draw.left else None
        draws = tuple((draw, products, len(values)) for draw, products, values in made)
        return Look(torch.cat([values for _, _, values in made]), draws)

    def read(self, look: Look, values: Sequence[float], step: int) -> Round | None:
        """Say what the numbers of a look mean.

        Args:
            look: What `look` returned, in the order of the looks.
            values: Its numbers, on the host.
            step: At which it was.

        Returns:
            The round, when a draw of it came with this look.
        """
        start, before = 0, self._kept
        for draw, products, length in look.draws:
            if draw.since is None:
                draw.since = step
            if not draw.lost:
                self._take(draw, draw.since, read_draw(values[start : start + length], products=products))
            start += length
        if self._kept == before or len(self._found) < self._wanted:
            return None
        return Round([drawn for _, drawn in self._found], min(since for since, _ in self._found))

    def _take(self, draw: Draw, since: int, drawn: Drawn) -> None:
        if not (math.isfinite(drawn.square) and math.isfinite(drawn.run.values[-1])):
            self.broken += 1
            self._give_up(draw)
        elif not drawn.moved <= _FAR:
            self._lose(draw)
        elif drawn.products == self.steps:
            self._found.append((since, drawn))
            self._kept += 1
            if self._kept % self._wanted == 0:
                self.pace = max(self._slowest, self.pace // 2)

    def _heed(self, rates: Sequence[float]) -> None:
        """Begin anew what was begun at other learning rates."""
        if _apart(self._at_last, rates) > _JUMP:
            self._found.clear()
        if self._draw is not None and _apart(self._at_first, rates) > _FAR:
            self._lose(self._draw)
        self._at_last = rates

    def _begin(self, like: Tensor, rates: Sequence[float]) -> Draw:
        draw = Draw(like, steps=self.steps, seed=self._begun, sketcher=self._sketcher)
        self._begun += 1
        self._at_first = rates
        return draw

    def _lose(self, draw: Draw) -> None:
        self.lost += 1
        self.pace = min(2 * self.pace, max(self.steps, self._slowest))
        self._give_up(draw)

    def _give_up(self, draw: Draw) -> None:
        draw.lost = True
        if self._draw is draw:
            self._draw = None


def _apart(before: Sequence[float], now: Sequence[float]) -> float:
    """Largest relative difference of learning rates; none where there is nothing to compare.

    Example:
        >>> _apart([1.0, 0.5], [1.0, 0.25])
        0.5
    """
    pairs = [(a, b) for a, b in zip(before, now, strict=False) if a != b]
    return max((abs(a - b) / max(abs(a), abs(b)) for a, b in pairs), default=0.0)
