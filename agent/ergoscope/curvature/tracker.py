"""The top eigenvalue of an operator that moves slowly, followed from reading to reading by one product or a few.

The first reading starts at random and takes many products; each later one starts where the last ended, and a little
along the gradient, which lies in the steepest directions as a rule (Gur-Ari, Roberts, Dyer 2018) and is that of the
weights as they are. The second one takes three products, and then each takes one more than the last turned out to have
needed, six where each reading sees another operator. Where one product had been enough, as on a fixed batch that is
read often, the next three readings take one alone, unless it shows that the track is lost, and then two tell again.
Every sixteenth reading takes six, to see what has overtaken the track.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ergoscope.curvature.lanczos import Lanczos, ritz
from ergoscope.curvature.vectors import Product

COLD, WARM = 12, 3  # products of a reading that starts at random, and of the one behind it
FEWEST, MOST = 2, 6  # of all others, but for those in which one is known to be enough
_ALONE = 3  # readings of one product, until two are made again
_LOST = 0.5  # of the value of one product: a residual beyond it is of an operator that the track does not know,
_FALLEN = 0.8  # and so is a value below this share of the last
_LEANING = 0.1  # length of the gradient in a start, beside 1 for where the last reading ended
_NEAR = 0.02  # of the value: what is so near to it was near enough
_SEARCHES = 16  # readings, of which one takes as many products as there may be


@dataclass(frozen=True, slots=True)
class Top:
    """A reading of a largest eigenvalue.

    value: the largest Ritz value, never above the largest eigenvalue but for rounding.
    residual: an eigenvalue lies so near to it; products: what it cost.
    lowest: the smallest Ritz value, never below the smallest eigenvalue.
    """

    value: float
    residual: float
    products: int
    lowest: float


class Tracker:
    """Follows one operator; its parameters must stay the same, or the track begins anew.

    Example:
        >>> diagonal = torch.tensor([5.0, 1.0, 0.5])
        >>> tracker = Tracker(seed=0)
        >>> values = tracker.measure(lambda v: diagonal * v, torch.zeros(3))
        >>> round(tracker.read(values.tolist()).value, 3)
        5.0
    """

    def __init__(self, *, seed: int, least: int = 1) -> None:
        """Begin without a track; `seed` gives the random parts of all starts, `least` is the products of a reading."""
        self._seed = seed
        self._least = least
        self._readings = 0
        self._value = -math.inf  # of the last reading
        self._alone = 0  # readings of one product since the last one of more
        self._run: Lanczos | None = None
        self._next: Lanczos | None = None
        self._products = COLD
        self._unread = 0

    def measure(self, product: Product, gradient: Tensor, *, cold: int = COLD) -> Tensor:
        """Make the products of one reading, without waiting for the device.

        Args:
            product: v ↦ Av.
            gradient: Of the same weights in the same coordinates; gives shape (size,), dtype and device of the vectors.
            cold: Products of a reading without a track; with fewer the track needs some readings to rise to the top.

        Returns:
            The numbers to be given to `read` once they are on the host: fp64, shape (2 · products,).
        """
        size, device = gradient.numel(), gradient.device
        run, self._next = self._next, None
        if run is None or run.size != size or run.device != device:
            self._products = max(self._least, cold)
            run = Lanczos.random(size, seed=self._seed + self._readings, keep=True, device=device, dtype=gradient.dtype)
        elif self._products > 1:
            run.lean(gradient, _LEANING)
        self._readings += 1
        for _ in range(min(self._products, size)):
            run.step(product)
        self._run = run
        self._unread += 1
        return run.coefficients().reshape(-1)

    def read(self, values: Sequence[float]) -> Top:
        """Say what the numbers of the last reading mean, and prepare the next one."""
        half = len(values) // 2
        found = ritz(values[:half], values[half:])
        top = Top(float(found.values[-1]), float(found.residuals[-1]), half, float(found.values[0]))
        self._unread -= 1
        if self._unread:
            return top  # of a run before the one that is held: of that one these numbers say nothing
        if not math.isfinite(top.value):
            self._run = None
        self._alone = self._alone + 1 if half == 1 else 0
        before, self._value = self._value, top.value
        self._products = products = max(self._least, self._wanted(values[:half], values[half:], before))
        if self._run is not None:
            with torch.no_grad():
                self._next = self._run.successor(found, seed=self._seed + self._readings, search=products > 1)
            self._run = None  # its basis, one vector a product
        return top

    def _wanted(self, alphas: Sequence[float], betas: Sequence[float], before: float) -> int:
        if self._readings % _SEARCHES == 0:
            return MOST
        if self._products == COLD:
            return WARM
        if len(alphas) == 1:
            lost = not betas[0] <= _LOST * abs(alphas[0]) or alphas[0] < _FALLEN * before
            return MOST if lost else 1 if self._alone < _ALONE else FEWEST
        enough = needed(alphas, betas)
        return 1 if enough == 1 else min(enough + 1, MOST)


def needed(alphas: Sequence[float], betas: Sequence[float]) -> int:
    """How many products of a run had been enough to come within 2 % of what all of them gave; all where that is none.

    Args:
        alphas: Of the run, as `ritz` takes them.
        betas: Likewise.

    Example:
        >>> needed([3.0, 1.0, 1.0], [0.1, 0.1, 0.1])
        1
    """
    tops = [float(ritz(alphas[:k], betas[:k]).values[-1]) for k in range(1, len(alphas) + 1)]
    enough = tops[-1] - _NEAR * abs(tops[-1])
    return next((products for products, top in enumerate(tops, start=1) if top >= enough), len(tops))
