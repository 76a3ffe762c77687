"""What may be given as a probe batch and its loss, and when one process may run it alone."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from ergoscope.curvature import objective
from ergoscope.curvature.objective import Objective, unwrapped
from ergoscope.shards import Seat


def total(model: nn.Module, batch: Tensor) -> Tensor:
    return model(batch).sum(1)  # type: ignore[no-any-return]  # a tensor


def test_nothing_given_is_nothing() -> None:
    assert Objective.of(nn.Identity(), None, None) is None


def test_a_batch_without_its_loss_is_refused() -> None:
    with pytest.raises(ValueError, match=r"probe is given without loss_fn; give both, loss_fn\(model, probe\) being"):
        Objective.of(nn.Identity(), torch.ones(2, 2), None)


def test_a_loss_without_its_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="loss_fn is given without probe; give both, probe being a fixed batch"):
        Objective.of(nn.Identity(), None, total)


def test_a_loss_that_is_no_function_is_refused() -> None:
    with pytest.raises(TypeError, match="loss_fn is a Tensor; it must be a function of the model and the probe batch"):
        Objective.of(nn.Identity(), torch.ones(2), torch.ones(2))  # type: ignore[arg-type]  # the point


def test_the_batch_is_handed_on_as_it_is() -> None:
    batch, seen = {"x": [torch.ones(2, 2)]}, []

    def look(model: nn.Module, given: dict[str, list[Tensor]]) -> Tensor:
        seen.append(given)
        return total(model, given["x"][0])

    made = Objective.of(nn.Identity(), batch, look)
    assert made is not None
    losses = made.losses(seed=0)

    assert seen[0] is batch
    assert isinstance(losses, Tensor)
    assert losses.tolist() == [2.0, 2.0]


@pytest.mark.parametrize(("given", "kept"), [(torch.bfloat16, torch.float32), (torch.float64, torch.float64)])
def test_losses_are_copies_without_a_graph(given: torch.dtype, kept: torch.dtype) -> None:
    model, out = nn.Linear(2, 3), torch.ones(4, dtype=given, requires_grad=True)

    def same(_: nn.Module, __: int) -> Tensor:
        with torch.enable_grad():
            return out * 1.0

    made = Objective.of(model, 0, same)
    assert made is not None
    losses = made.losses(seed=0)

    assert isinstance(losses, Tensor)
    assert losses.dtype == kept
    assert not losses.requires_grad


def test_what_is_compiled_is_run_as_it_was_written() -> None:
    model = nn.Linear(2, 2)

    made = Objective.of(torch.compile(model, backend="eager"), torch.ones(1, 2), total)  # type: ignore[arg-type]  # a module

    assert made is not None
    assert made.model is model


def among(processes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objective, "seat", lambda: Seat(0, processes))


def obstacle(model: nn.Module, *, copies: int = 1) -> str:
    return Objective(model, lambda _: None, copies).obstacle()


def test_a_process_alone_may_run_anything() -> None:
    assert obstacle(nn.SyncBatchNorm(4)) == ""


@pytest.mark.parametrize(
    ("model", "copies", "reason"),
    [
        (lambda: nn.Linear(2, 2), 2, ""),
        (lambda: nn.Linear(2, 2), 1, "2 processes train together, and the watched model is not one Distributed"),
        (lambda: nn.SyncBatchNorm(4), 2, "its SyncBatchNorm waits for the other processes"),
    ],
)
def test_one_of_several_may_run_a_copy_that_waits_for_nobody(
    model: Callable[[], nn.Module], copies: int, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    among(2, monkeypatch)

    assert obstacle(model(), copies=copies).startswith(reason)
    assert bool(obstacle(model(), copies=copies)) == bool(reason)


@pytest.mark.parametrize("mark", ["_fsdp_flattened", "_local_tensor", "ds_id"])
def test_parts_of_parameters_are_not_run(mark: str) -> None:
    model = nn.Linear(2, 2)
    setattr(model.weight, mark, 0)

    assert obstacle(model) == "its parameters are spread over processes, and one alone cannot run it"


def test_a_model_is_found_inside_of_what_compiles_it() -> None:
    model = nn.Linear(2, 2)

    assert unwrapped(torch.compile(model, backend="eager")) is model  # type: ignore[arg-type]  # a module
    assert unwrapped(model) is model
