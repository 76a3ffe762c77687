"""Training in whose midst slices are measured is training without, to the last bit."""

from collections.abc import Callable, Sequence
from functools import cache

import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.utils import counters
from torch.optim import Optimizer

from ergoscope.probes.slices.probe import Requests
from ergoscope.taps import Taps, attach
from ergoscope_contract.slices import Axes, SliceRequest
from tests.agent.jobs import Job, same_bits, seed
from tests.agent.jobs_probed import PROBED
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.sliced import LossFn, always
from tests.agent.real_jobs import JOBS

NONE = always()
FIRST = 6  # the step at which the first points can be told: two copies of the weights, products, axes, the centre
REFUSED = {
    "complex_parameters": "no real parameter of the model is trained, so there is nothing to take a Hessian over",
    "hook_on_a_parameter": "modules or parameters have backward hooks, which would run once more for each product",
    "several_backward_passes_over_one_graph": "the weights are not finite",
    "probed_with_a_loss_that_disturbs": "RuntimeError: One of the differentiated Tensors does not require grad",
    "tied_and_unfrozen_in_mid_run": "other parameters are trained than when it was begun; ask again",
    "frozen_in_mid_run": "other parameters are trained than when it was begun; ask again",
}


def run(job: Job, outlet: MemoryOutlet | None, requests: Requests = NONE) -> list[Tensor]:
    """A job that is asked at each step; one without a batch of its own is looked at by the squares of its weights."""
    torch._dynamo.reset()
    seed(3)
    placed: list[Taps] = []

    def watch(
        model: nn.Module, optimizers: Sequence[Optimizer], *, probe: object = None, loss_fn: LossFn | None = None
    ) -> None:
        if outlet is None:
            return
        if loss_fn is None:
            probe, loss_fn = 0, squares
        placed.append(
            attach(
                model,
                optimizers,
                outlet,
                probe=probe,
                loss_fn=loss_fn,
                requests=requests,
                clock=lambda: 0.0,
            )
        )

    result = job(watch)
    for taps in placed:
        assert taps.alive
        taps.detach()
    return result


def squares(model: nn.Module, _: object) -> Tensor:
    return torch.stack([p.abs().float().square().sum() for p in model.parameters()])


@cache
def without(name: str) -> list[Tensor]:
    return run(JOBS[name], None)


def check(name: str, *requests: SliceRequest) -> tuple[MemoryOutlet, int]:
    outlet = MemoryOutlet()
    expected = without(name)
    if "compiled" in name:
        counters["frames"]["total"] += 1  # as in a job that has taken its first steps

    asked: list[int] = []
    watched = run(JOBS[name], outlet, always(*requests, asked=asked))

    assert same_bits(watched, expected)
    assert [event.text for event in outlet.events("agent") if "off" in event.data] == []
    return outlet, len(asked)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, from compiling on some Pythons
@pytest.mark.filterwarnings("ignore:.torch.nn.utils.weight_norm:FutureWarning")  # old, but many models have it
@pytest.mark.parametrize("name", JOBS)
def test_in_every_job_points_are_measured_and_nothing_changes(name: str) -> None:
    requests = [SliceRequest(f"s{number}", axes="random", points=5) for number in range(3)]

    outlet, steps = check(name, *requests)

    answers = [grid.refused for grid in outlet.grids() if not grid.partial]
    assert bool(outlet.grids()) == (steps >= FIRST)
    reasons = [text for text in answers if text]
    assert bool(reasons) == (name in REFUSED)
    assert [text for text in reasons if not text.startswith(REFUSED[name])] == []


@pytest.mark.filterwarnings("ignore:.torch.nn.utils.weight_norm:FutureWarning")
@pytest.mark.parametrize("axes", ["hessian", "update"])
@pytest.mark.parametrize("name", [job.__name__ for job in PROBED if job.__name__ not in REFUSED])
def test_steep_directions_and_updates_change_nothing_either(name: str, axes: Axes) -> None:
    outlet, _ = check(name, SliceRequest("s1", axes=axes, dimensions=1, points=5))

    assert [grid.refused for grid in outlet.grids() if grid.refused] == []


@pytest.mark.parametrize("at", [1, 4, 7, 9])
def test_a_loss_that_fails_in_the_midst_changes_nothing(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def failing(watch: Callable[..., None]) -> list[Tensor]:
        def watch_that_fails(model: nn.Module, optimizers: Sequence[Optimizer], **given: object) -> None:
            loss_fn = given["loss_fn"]
            assert callable(loss_fn)

            def loss(model: nn.Module, batch: object) -> object:
                calls.append(1)
                found = loss_fn(model, batch)
                if len(calls) > at:
                    raise RuntimeError("midway")
                return found

            watch(model, optimizers, probe=given["probe"], loss_fn=loss)

        return JOBS["probed_conv"](watch_that_fails)

    outlet = MemoryOutlet()

    watched = run(failing, outlet, always(SliceRequest("s1", axes="random", points=5)))

    assert same_bits(watched, without("probed_conv"))
    assert [grid.refused for grid in outlet.grids() if not grid.partial] == ["RuntimeError: midway"]
