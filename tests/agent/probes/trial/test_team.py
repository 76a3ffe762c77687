"""By what gradients of several processes are divided, and when that is not known."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import pytest
from torch import Tensor, nn

from ergoscope.probes.trial.team import Team
from ergoscope.shards import Seat


@pytest.fixture(autouse=True)
def _of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ergoscope.probes.trial.team.seat", lambda: Seat(0, 2))


def part(*, size: int = 2) -> Tensor:
    """A parameter that is spread over so many processes."""
    mesh = SimpleNamespace(size=lambda: size)
    return cast(Tensor, SimpleNamespace(_local_tensor=None, device_mesh=mesh))


class Sharded(nn.Module):
    """Looks as FSDP's modules do, as far as anybody asks."""

    def __init__(self, parameters: list[Tensor], **group: object) -> None:
        super().__init__()
        usual: dict[str, object] = {
            "fsdp_params": [SimpleNamespace(sharded_param=p, is_dtensor=False) for p in parameters],
            "gradient_divide_factor": None,
            "reduce_grads": True,
            "all_reduce_grads": True,
            "_all_reduce_hook": None,
            "_use_post_forward_mesh": False,
        }
        self.state = SimpleNamespace(_fsdp_param_groups=[SimpleNamespace(**{**usual, **group})])

    def _get_fsdp_state(self) -> object:
        return self.state


class DistributedDataParallel(nn.Module):
    """Looks as torch's does."""

    def __init__(self, *, size: int = 2, sync: bool = True, hooks: int = 0) -> None:
        super().__init__()
        self.module = nn.Linear(2, 2)
        self.process_group = SimpleNamespace(size=lambda: size, _get_sequence_number_for_group=lambda: 7)
        self.require_backward_grad_sync = sync
        self._comm_hooks = [0] * hooks


def test_copies_average_over_all_of_them_and_count_what_they_send() -> None:
    copies = DistributedDataParallel()
    team = Team(copies)

    assert team.inner is copies.module
    assert team.divisor(list(copies.parameters())) == 2.0
    assert team.clock(list(copies.parameters())) == 7


@pytest.mark.parametrize(("factor", "divisor"), [(None, 2.0), (1.0, 1.0)])
def test_parts_are_divided_by_what_fsdp_was_told(factor: float | None, divisor: float) -> None:
    parameter = part()

    assert Team(Sharded([parameter], gradient_divide_factor=factor)).divisor([parameter]) == divisor


OWN_WAY = "the job averages gradients in a way of its own"
NEITHER = (
    "2 processes train together, and the watched model is neither one DistributedDataParallel nor one FSDP of the "
    "second version over all of them"
)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (lambda: nn.Linear(2, 2), NEITHER),
        (lambda: DistributedDataParallel(size=1), NEITHER),
        (lambda: DistributedDataParallel(sync=False), OWN_WAY),
        (lambda: DistributedDataParallel(hooks=1), OWN_WAY),
    ],
)
def test_copies_that_do_not_average_over_all_are_refused(model: Callable[[], nn.Module], reason: str) -> None:
    one = model()

    with pytest.raises(ValueError, match=reason):
        Team(one).divisor(list(one.parameters()))


@pytest.mark.parametrize(
    ("group", "size", "reason"),
    [
        ({"reduce_grads": False}, 2, OWN_WAY),
        ({"all_reduce_grads": False}, 2, OWN_WAY),
        ({"_all_reduce_hook": print}, 2, OWN_WAY),
        ({"_use_post_forward_mesh": True}, 2, "FSDP shards its parameters otherwise after a forward pass than before"),
        ({"fsdp_params": []}, 2, "its parameters are spread over processes otherwise than by FSDP alone"),
        ({}, 1, "its parameters are not spread over all of the 2 processes"),
    ],
)
def test_parts_that_are_not_put_together_by_fsdp_over_all_are_refused(
    group: dict[str, object], size: int, reason: str
) -> None:
    parameter = part(size=size)

    with pytest.raises(ValueError, match=reason):
        Team(Sharded([parameter], **group)).divisor([parameter])


def test_parts_beside_whole_ones_are_refused() -> None:
    parameter = part()

    with pytest.raises(ValueError, match="some of its parameters are spread over processes, and others are not"):
        Team(Sharded([parameter])).divisor([parameter, nn.Parameter()])


def test_a_version_of_fsdp_that_keeps_its_groups_elsewhere_is_refused() -> None:
    model = Sharded([])
    model.state = SimpleNamespace()

    with pytest.raises(ValueError, match="this version of torch shards models in a way that is not known here"):
        Team(model).divisor([part()])
