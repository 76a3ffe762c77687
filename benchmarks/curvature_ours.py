"""What the curvature benchmark compares, and our own numerics among it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from torch import Tensor

from benchmarks.nets import Job
from ergoscope.curvature.density import smooth
from ergoscope.curvature.hutch_plus_plus import HutchPlusPlus
from ergoscope.curvature.lanczos import Lanczos, ritz
from ergoscope.curvature.live import live_products
from ergoscope.curvature.products import HessianProducts
from ergoscope.curvature.trace import Hutchinson, estimate_traces
from ergoscope.curvature.tracker import Tracker
from ergoscope.curvature.xtrace import XTrace, estimate_by_exchange

OURS = "ergoscope"


@dataclass(frozen=True)
class Found:
    """What came of a computation: eigenvalues descending, or one trace; and the products that it took."""

    values: list[float]
    products: int


@dataclass(frozen=True)
class Method:
    """A way to compute it, with settings from the cheapest to the dearest: products, or a tolerance.

    `run` takes a job whose model is in evaluation mode, a setting and a seed. The forward pass is part of it.
    """

    library: str
    name: str
    ladder: tuple[float, ...]
    run: Callable[[Job, float, int], Found]


class Counted:
    """Products with the Hessian of a job, counted."""

    def __init__(self, hessian: HessianProducts) -> None:
        self._hessian = hessian
        self.like = hessian.gradient
        self.made = 0

    def __call__(self, vector: Tensor) -> Tensor:
        """Give Hv."""
        self.made += 1
        return self._hessian(vector)


@contextmanager
def hessian_of(job: Job) -> Iterator[Counted]:
    """Run the job's model forward and take products through that graph."""
    with live_products(job.loss(), list(job.model.parameters())) as hessian:
        yield Counted(hessian)


def lanczos_steps(k: int) -> tuple[float, ...]:
    """Numbers of steps to try for the top k."""
    return (3, 4, 5, 6, 8, 10, 12, 16, 20, 26, 32, 40, 50) if k == 1 else (16, 20, 26, 32, 40, 50, 64, 80, 100, 128)


def our_tops(k: int) -> list[Method]:
    """Top k eigenvalues, from a random start."""
    return [Method(OURS, "Lanczos, cold", lanczos_steps(k), partial(_top, k))]


def _top(k: int, job: Job, steps: float, seed: int) -> Found:
    with hessian_of(job) as product:
        run = Lanczos.random(product.like.numel(), seed=seed, keep=True)
        for _ in range(int(steps)):
            run.step(product)
        found = ritz(*run.coefficients().numpy())
        for column in range(1, min(k, len(found.values)) + 1):  # the vectors too, as peers give them
            run.vector(found.components[:, -column])
    return Found(found.values[::-1][:k].tolist(), product.made)


def our_traces() -> list[Method]:
    """The trace, by three estimates."""
    doubling = tuple(2.0**n for n in range(2, 9))
    return [
        Method(OURS, "Hutchinson", doubling, _hutchinson),
        Method(OURS, "Hutch++", tuple(1.5 * n for n in doubling), _hutch_plus_plus),
        Method(OURS, "XTrace", doubling, xtrace),
    ]


def _hutchinson(job: Job, products: float, seed: int) -> Found:
    with hessian_of(job) as product:
        run = Hutchinson(product.like.numel(), seed=seed)
        for _ in range(int(products)):
            run.step(product)
        return Found([estimate_traces(run.readings().numpy()).trace], product.made)


def _hutch_plus_plus(job: Job, products: float, seed: int) -> Found:
    with hessian_of(job) as product:
        run = HutchPlusPlus(product.like.numel(), products=int(products), seed=seed)
        while not run.complete:
            run.step(product)
        return Found([run.estimate(run.readings().numpy()).trace], product.made)


def xtrace(job: Job, products: float, seed: int) -> Found:
    """The trace by XTrace."""
    with hessian_of(job) as product:
        run = XTrace(product.like.numel(), products=int(products), seed=seed)
        while not run.complete:
            run.step(product)
        return Found([estimate_by_exchange(run.readings().numpy()).trace], product.made)


def our_densities(draws: int, steps: int) -> list[Method]:
    """Spectral density by Lanczos quadrature, down to the smoothed curve; only its cost is compared."""

    def run(job: Job, setting: float, seed: int) -> Found:
        del setting
        with hessian_of(job) as product:
            size, runs = product.like.numel(), []
            for number in range(draws):
                one = Lanczos.random(size, seed=draws * seed + number, keep=True)
                for _ in range(steps):
                    one.step(product)
                runs.append(ritz(*one.coefficients().numpy(), random_start=True))
        smooth(runs)
        return Found([], product.made)

    return [Method(OURS, "Lanczos quadrature, reorthogonalised", (0,), run)]


class Warm:
    """Our tracker, which reads on from where it ended."""

    def __init__(self) -> None:
        self._tracker = Tracker(seed=0)

    def read(self, job: Job) -> Found:
        """Follow the top eigenvalue to where the job is now."""
        with hessian_of(job) as product:
            values = self._tracker.measure(product, product.like)
        return Found([self._tracker.read(values.tolist()).value], product.made)
