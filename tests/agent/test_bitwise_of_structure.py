"""Training stays the same to the last bit while the structure of a net is looked at, at every step and long enough."""

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.utils import counters
from torch.nn import functional as F  # noqa: N812  # as everybody calls it
from torch.optim import SGD, AdamW, Optimizer

from ergoscope.probes.collapse import LOOKS
from ergoscope.taps import Taps, attach
from tests.agent.jobs import conv, everything, force, gpt, mlp, same_bits, seed, text_loss
from tests.agent.memory_outlet import MemoryOutlet

STEPS = 2 * LOOKS + 4
Made = tuple[nn.Module, Sequence[Optimizer], Callable[[nn.Module], Tensor]]
CLUSTERS = 3.0  # apart, so that every class has its features


def _labelled(shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    y = torch.arange(32) % 4
    return torch.randn(32, *shape) + CLUSTERS * y.reshape(-1, *[1] * len(shape)), y


def _loss(*shape: int) -> Callable[[nn.Module], Tensor]:
    def loss(model: nn.Module) -> Tensor:
        x, y = _labelled(shape)
        return F.cross_entropy(model(x), y)

    return loss


def plain() -> Made:
    model = mlp()
    return model, [SGD(model.parameters(), lr=0.05, momentum=0.9)], _loss(8)


def two_optimizers() -> Made:
    model = mlp()
    return model, [SGD(model[0].parameters(), lr=0.05), AdamW(model[2].parameters(), lr=1e-3)], _loss(8)


def convolution() -> Made:
    model = conv()
    return model, [SGD(model.parameters(), lr=0.05)], _loss(1, 8, 8)


def transformer() -> Made:
    model = gpt()
    return model, [AdamW(model.parameters(), lr=1e-3)], text_loss


def chain() -> Made:
    model = nn.Sequential(
        nn.Linear(8, 60, bias=False), nn.ReLU(), nn.Linear(60, 60, bias=False), nn.Linear(60, 4, bias=False)
    )
    return model, [SGD(model.parameters(), lr=0.01)], _loss(8)


def autocast() -> Made:
    model = mlp()

    def loss(model: nn.Module) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return _loss(8)(model)

    return model, [SGD(model.parameters(), lr=0.05)], loss


def compiled() -> Made:
    model = mlp()
    return torch.compile(model, backend="aot_eager"), [SGD(model.parameters(), lr=0.05)], _loss(8)  # type: ignore[return-value]  # torch says it gives a callable


JOBS = (plain, two_optimizers, convolution, transformer, chain, autocast, compiled)


def trained(make: Callable[[], Made], outlet: MemoryOutlet | None) -> list[Tensor]:
    torch._dynamo.reset()
    seed(3)
    model, optimizers, loss = make()
    taps: Taps | None = None
    if outlet is not None:
        taps = attach(model, optimizers, outlet, clock=lambda: 0.0)
        force(taps)
    for _ in range(STEPS):
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss(model).backward()
        for optimizer in optimizers:
            optimizer.step()
    if taps is not None:
        assert taps.alive
        taps.detach()
    return everything(model, optimizers)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, from compiling on some Pythons
@pytest.mark.parametrize("make", JOBS)
def test_it_is_the_same_with_every_look_at_every_step(make: Callable[[], Made]) -> None:
    outlet = MemoryOutlet()
    expected = trained(make, None)
    counters["frames"].clear()
    if make is compiled:  # as in a job that has taken its first steps
        counters["frames"]["total"] += 1

    watched = trained(make, outlet)

    assert same_bits(watched, expected)
    assert [event.text for event in outlet.events("agent") if "off" in event.data] == []  # no error was fenced
    assert outlet.series("dist_from_init")
    assert any(key.startswith("stable_rank/") for _, row in outlet.rows for key in row)
    assert any(key.startswith("effective_rank/") for _, row in outlet.rows for key in row)
    assert bool(outlet.series("norm_product")) == (make not in (convolution, transformer))
    assert bool(outlet.series("path_norm")) == (make is chain)
    # Of 32 tokens some are not shown often enough; of what is compiled no features are heard.
    assert bool(outlet.series("nc1")) == (make not in (transformer, compiled))
    assert bool(outlet.series("feature_rank")) == (make is not compiled)
    if make is not compiled:
        assert list(outlet.series("nc_examples")) == [LOOKS, 2 * LOOKS]


def test_a_job_in_double_precision_is_read_and_stays_the_same() -> None:
    outlet = MemoryOutlet()
    torch.set_default_dtype(torch.float64)
    try:
        expected = trained(chain, None)
        watched = trained(chain, outlet)
    finally:
        torch.set_default_dtype(torch.float32)

    assert same_bits(watched, expected)
    assert [event.text for event in outlet.events("agent") if "off" in event.data] == []
    for key in ("norm_product", "norm_distance", "path_norm", "dist_from_init", "nc1", "coherence"):
        assert outlet.series(key), key
    assert any(key.startswith("spectral_alpha/") for _, row in outlet.rows for key in row)
