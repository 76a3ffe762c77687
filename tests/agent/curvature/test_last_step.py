"""The move of the last step, from a copy that is kept no longer than it is needed."""

import pytest
import torch

from ergoscope.curvature import last_step
from ergoscope.curvature.last_step import LastStep


def weights() -> list[torch.Tensor]:
    return [torch.linspace(1.0, 2.0, 6).reshape(2, 3), torch.full((2,), 3.0)]


def test_it_is_what_the_step_changed_to_the_last_bit() -> None:
    moved, last = weights(), LastStep()
    start = torch.cat([w.reshape(-1).double() for w in moved])

    assert last.begin(moved)
    for w in moved:
        w.mul_(1 + 2.0**-20)

    now = torch.cat([w.reshape(-1).double() for w in moved])
    found = last.move(moved)
    assert found is not None
    assert torch.equal(found.double(), now - start)


def test_of_half_precision_it_is_the_move_of_the_rounded_weights_in_fp32() -> None:
    weight, last = torch.tensor([1.0, 2.0], dtype=torch.bfloat16), LastStep()

    last.begin([weight])
    weight.add_(torch.tensor([0.01, 0.001]))

    found = last.move([weight])
    assert found is not None
    assert found.dtype == torch.float32
    assert found.tolist() == [2.0**-7, 0.0]  # .01 to the next of bfloat16, and .001 is swallowed


def test_parts_of_what_was_copied_can_be_asked_for_once() -> None:
    moved, last = weights(), LastStep()

    last.begin(moved)
    moved[1].sub_(1.0)

    found = last.move(moved[1:])
    assert found is not None
    assert found.tolist() == [-1.0, -1.0]
    assert last.move(moved[1:]) is None


def test_what_was_not_copied_or_is_another_one_now_has_no_move() -> None:
    (first, second), last = weights(), LastStep()

    last.begin([first])
    assert last.move([first, second]) is None

    last.begin([first])
    first.data = first.data.double()
    assert last.move([first]) is None

    last.begin([first])
    last.let_go()
    assert last.move([first]) is None


@pytest.mark.parametrize("what", ["spare", "lasting"])
def test_without_room_nothing_is_copied(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    monkeypatch.setattr(last_step, what, lambda *_: 0)
    moved, last = weights(), LastStep()

    assert not last.begin(moved)
    assert last.move(moved) is None


def test_memory_that_runs_out_on_the_way_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    def clone(_: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError

    moved, last = weights(), LastStep()
    with monkeypatch.context() as full:
        full.setattr(torch.Tensor, "clone", clone)
        assert not last.begin(moved)

    assert last.move(moved) is None


def test_no_parameters_are_not_copied() -> None:
    assert not LastStep().begin([])
