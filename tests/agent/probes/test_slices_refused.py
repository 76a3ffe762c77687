"""Why a slice is not measured, and what the job notices of that: nothing."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from ergoscope.probes.slices import probe as slices
from ergoscope.shards import Seat
from ergoscope_contract.records import Grid
from ergoscope_contract.slices import SliceRequest
from tests.agent.curvature.test_graph import Cube
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.sliced import LossFn, Valley, always, descend, floats, of_valley, watch

LINE = SliceRequest("s1", points=5)


def answer(
    request: SliceRequest = LINE,
    *,
    model: Valley | None = None,
    loss_fn: LossFn | None = of_valley,
    lr: float = 0.01,
    halfway: Callable[[Valley, SGD], object] = lambda model, optimizer: None,
) -> Grid:
    """What comes of a request, in a job that goes on as if nothing had happened."""
    model, outlet = model or Valley(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=lr)
    taps = watch(model, optimizer, outlet, request, probe=None if loss_fn is None else 0, loss_fn=loss_fn)
    descend(model, optimizer, 4)
    halfway(model, optimizer)
    descend(model, optimizer, 60)
    assert taps.alive
    taps.detach()
    (grid,) = [grid for grid in outlet.grids() if not grid.partial]
    if grid.refused:
        assert (grid.offsets, grid.values, grid.running) == ([], b"", b"")
    return grid


def raising(error: Exception) -> LossFn:
    def loss(model: nn.Module, _: object) -> Tensor:
        raise error

    return loss


def test_without_a_fixed_batch_it_says_how_to_give_one() -> None:
    assert answer(loss_fn=None).refused == (
        "the run has no fixed batch to measure it on; begin it with watch(..., probe=batch, loss_fn=loss), the loss "
        "being loss(model, batch)"
    )


def test_where_the_batch_cannot_be_run_by_one_process_it_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ergoscope.curvature.objective.Objective.obstacle", lambda _: "its SyncBatchNorm waits")

    assert answer().refused == "its SyncBatchNorm waits"


def test_where_there_is_no_memory_it_says_how_much_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ergoscope.probes.slices.slicing.spare", lambda _: float(2 << 20))
    monkeypatch.setattr("ergoscope.probes.slices.slicing.needed", lambda size, vectors, _: float(vectors << 20))

    assert answer().refused == "there is no memory for it: it needs 18 MiB, and 2 are free"


def test_vectors_that_would_crowd_the_training_where_it_uses_most_are_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    def lasting(size: int, vectors: int, _: object) -> bool:
        asked.append(vectors)
        return vectors <= room

    monkeypatch.setattr("ergoscope.probes.slices.slicing.lasting", lasting)
    room = 13
    kept = answer()
    room = 12
    refused = answer()

    assert kept.refused == ""
    assert asked[:2] == [13, 3]  # six products, another slot and four vectors beside; then what a slot adds
    assert refused.refused == (
        "there is no memory for it: it keeps 0 MiB, which are not free whenever the training uses most"
    )


def test_memory_that_went_since_it_was_begun_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(model: Valley, optimizer: SGD) -> None:
        monkeypatch.setattr("ergoscope.probes.slices.slicing.spare", lambda _: 0.0)

    assert answer(halfway=fill).refused == "there is no memory for it: it needs 0 MiB, and 0 are free"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried"), "there is no memory for it"),
        (ValueError("the batch has no labels\nsee above"), "the batch has no labels"),
        (KeyError("labels"), "KeyError: 'labels'"),
        (AssertionError(), "AssertionError: AssertionError"),
    ],
)
def test_where_the_users_loss_fails_it_says_with_what(error: Exception, text: str) -> None:
    assert answer(loss_fn=raising(error)).refused == text


def test_a_loss_that_is_no_number_has_no_slice() -> None:
    grid = answer(loss_fn=lambda model, _: of_valley(model, 0) * math.inf)

    assert grid.refused == "products with the Hessian are not finite at step 2"


def test_a_centre_that_is_no_number_has_no_slice() -> None:
    grid = answer(SliceRequest("s1", axes="random"), loss_fn=lambda model, _: of_valley(model, 0) * math.inf)

    assert grid.refused == "loss, slope or curvature on the fixed batch are not finite at step 2"


def test_a_step_that_moved_nothing_shows_no_direction() -> None:
    assert answer(SliceRequest("s1", axes="update"), lr=0.0).refused == "there is no last update: it has no length"


def test_a_gradient_along_the_update_is_no_second_direction() -> None:
    grid = answer(SliceRequest("s1", axes="update", dimensions=2), model=Valley([1.0]))

    assert grid.refused == "there is no gradient across the last update: it has no length"


def test_a_loss_that_is_curved_one_way_has_no_plane_of_steep_directions() -> None:
    grid = answer(SliceRequest("s1", dimensions=2), model=Valley([1.0]))

    assert grid.refused == "the loss is curved along one direction only; ask for one dimension"


def test_other_parameters_on_the_way_are_another_model() -> None:
    def freeze(model: Valley, optimizer: SGD) -> None:
        optimizer.add_param_group({"params": [nn.Parameter(torch.zeros(2))]})

    assert answer(halfway=freeze).refused == "other parameters are trained than when it was begun; ask again"


def test_nothing_that_is_trained_has_no_slice() -> None:
    model, outlet = Valley(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.01)
    taps = watch(model, optimizer, outlet, LINE)
    model.weight.requires_grad_(False)
    optimizer.step()
    taps.detach()

    assert outlet.grids()[0].refused.startswith("no real parameter of the model is trained")


def test_a_function_whose_curvature_is_wrong_is_differenced_and_named_so() -> None:
    def cubed(model: nn.Module, _: object) -> Tensor:
        assert isinstance(model, Valley)
        loss: Tensor = Cube.apply(model.weight).sum() + model()
        return loss

    grid = answer(SliceRequest("s1", axes="random", extent=0.01, points=5), loss_fn=cubed)

    assert grid.how == "finite difference"
    losses, half = floats(grid.values), floats(grid.offsets[0])[4]
    seen = (losses[0] - 2 * losses[2] + losses[4]) / half**2
    assert grid.curvatures[0] == pytest.approx(seen, rel=1e-3)  # what differences of gradients are good for


def test_of_several_processes_the_first_answers_and_the_others_are_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "seat", lambda: Seat(1, 2))
    model, outlet = Valley(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.01)
    taps = watch(model, optimizer, outlet, LINE)
    descend(model, optimizer, 30)
    taps.detach()

    assert outlet.grids() == []


def test_after_a_refusal_the_next_request_is_measured() -> None:
    model, outlet = Valley([1.0]), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.01)
    taps = watch(model, optimizer, outlet, SliceRequest("s1", dimensions=2), SliceRequest("s2", points=5))
    descend(model, optimizer, 60)
    taps.detach()

    assert [bool(grid.refused) for grid in outlet.grids() if not grid.partial] == [True, False]


def test_a_run_that_nobody_asks_of_looks_and_does_nothing() -> None:
    charged: list[float] = []
    probe = slices.SliceProbe(
        None,
        [],
        always(),
        budget=0.02,
        publish=lambda _: None,
        tell=lambda _: None,
        charge=lambda host, device: charged.append(host + device),
        clock=lambda: 0.0,
    )

    probe.stepped(1, 1.0)

    assert charged == []
