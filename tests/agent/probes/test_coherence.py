"""Whether examples agree on the direction, in watched jobs whose gradients are known."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from ergoscope.lineup import NOISE
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.looks import watch

PASSES, EXAMPLES, SIZE, READINGS = 8, 8, 1600, 200
SLOPE, NOISE_TRACE = 4.0, 16.0


def accumulated(
    draw: Callable[[int], Tensor], *, passes: int, examples: int | None = None, steps: int = 2
) -> MemoryOutlet:
    """Steps of several passes, linear in the weights, so that any gradient can be had; the first is not all heard."""
    outlet, weight = MemoryOutlet(), nn.Parameter(torch.zeros(len(draw(0))))
    optimizer = SGD([weight], lr=0.0)
    taps = watch(nn.ParameterList([weight]), optimizer, outlet, tasks=(NOISE,), examples=examples)
    for _ in range(steps):
        optimizer.zero_grad()
        for number in range(passes):
            ((weight * draw(number)).sum() / passes).backward()
        optimizer.step()
    assert taps.alive
    taps.detach()
    return outlet


def last(outlet: MemoryOutlet, key: str) -> float:
    return list(outlet.series(key).values())[-1]


def gaussian() -> MemoryOutlet:
    generator = torch.Generator().manual_seed(0)
    mean = torch.full((SIZE,), (SLOPE / SIZE) ** 0.5)
    spread = (NOISE_TRACE / SIZE / EXAMPLES) ** 0.5
    return accumulated(
        lambda _: mean + spread * torch.randn(SIZE, generator=generator),
        passes=PASSES,
        examples=EXAMPLES,
        steps=READINGS,
    )


# One reading varies by 4 G'ΣG/B + 2 tr(Σ²)/(b² m (m-1)) in the slope and by 2 (tr Σ)²/(size (m-1)) in the noise; what
# is smoothed averages (1 + .99)/(1 - .99) = 199 readings at most, over the first 200 no fewer than half of them.
SLOPE_VARIANCE = (
    4 * SLOPE * NOISE_TRACE / SIZE / (PASSES * EXAMPLES)
    + 2 * NOISE_TRACE**2 / SIZE / (EXAMPLES**2 * PASSES * (PASSES - 1))
) / 100
NOISE_VARIANCE = 2 * NOISE_TRACE**2 / (SIZE * (PASSES - 1)) / 100
# Of S / (S + N): the derivatives are N and -S over the square of the sum.
ERROR = (NOISE_TRACE**2 * SLOPE_VARIANCE + SLOPE**2 * NOISE_VARIANCE) ** 0.5 / (SLOPE + NOISE_TRACE) ** 2


@pytest.mark.known_answer("coherence")
def test_coherence_is_the_share_of_the_gradients_that_is_common() -> None:
    equal = accumulated(lambda _: torch.ones(3), passes=5)
    across = accumulated(lambda number: torch.eye(5)[number], passes=5)

    assert last(equal, "coherence") == pytest.approx(1.0)
    assert last(across, "coherence") == pytest.approx(0.0, abs=1e-6)
    assert last(gaussian(), "coherence") == pytest.approx(0.2, abs=4 * ERROR)


@pytest.mark.known_answer("m_coherence")
def test_orthogonal_gradients_help_nobody_else_and_equal_ones_everybody() -> None:
    equal = accumulated(lambda _: torch.ones(3), passes=5)
    across = accumulated(lambda number: torch.eye(5)[number], passes=5)

    assert last(equal, "m_coherence") == pytest.approx(5.0)
    assert last(across, "m_coherence") == pytest.approx(1.0, abs=1e-5)
    # 64 examples at .2125: the plug-in estimate, which holds what is left of the noise in their mean.
    assert last(gaussian(), "m_coherence") == pytest.approx(64 * 0.2125, abs=4 * 63 * ERROR)


def test_without_any_gradient_there_is_none() -> None:
    outlet = accumulated(lambda _: torch.zeros(3), passes=2)

    assert outlet.series("coherence") == outlet.series("m_coherence") == {}
