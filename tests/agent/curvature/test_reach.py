"""What of a group's settings counts, and whether it can be read without waiting."""

import pytest
import torch
from torch.optim import SGD, Adam, AdamW, NAdam, RMSprop

from ergoscope.curvature.reach import coupled, decoupled, number, obstacle, on_device, reach

WEIGHT = torch.ones(1, requires_grad=True)


def test_numbers_on_the_host_are_floats_and_those_on_a_device_stay_there() -> None:
    far = torch.tensor(0.5, device="meta")

    assert number(torch.tensor(0.5)) == 0.5
    assert number(far) is far
    assert isinstance(reach(SGD, {"lr": far, "momentum": 0.0, "dampening": 0.0, "nesterov": False}), torch.Tensor)


@pytest.mark.parametrize("name", ["lr", "weight_decay", "momentum", "betas"])
def test_any_number_that_counts_may_lie_on_a_device(name: str) -> None:
    far = torch.tensor(0.5, device="meta")

    assert on_device({"lr": 0.1, name: (far, 0.9) if name == "betas" else far})
    assert not on_device({"lr": torch.tensor(0.1), "betas": (0.9, 0.99)})


def test_decay_is_either_in_the_gradient_or_beside_it() -> None:
    group = {"weight_decay": 0.1}

    assert (coupled(SGD, group), decoupled(SGD, group)) == (0.1, 0.0)
    assert (coupled(AdamW, group), decoupled(AdamW, group)) == (0.0, 0.1)
    assert (coupled(NAdam, {**group, "decoupled_weight_decay": True}), coupled(Adam, {})) == (0.0, 0.0)


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW, NAdam, RMSprop])
def test_torchs_own_settings_have_no_obstacle(kind: type[torch.optim.Optimizer]) -> None:
    optimizer = kind([WEIGHT], lr=0.1)  # type: ignore[call-arg]  # each of these takes a rate

    assert obstacle(kind, optimizer.param_groups[0]) == ""
