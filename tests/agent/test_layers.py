"""Names of parameters, and which of them have gradients."""

import pytest
import torch
from torch import nn

from ergoscope.layers import Layers, name_parameters
from ergoscope.taps import attach
from tests.agent.jobs import mlp
from tests.agent.memory_outlet import MemoryOutlet


class Parallel(nn.Module):
    """Stands for a wrapper that keeps the model under `module`."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module


def names(model: nn.Module) -> list[str]:
    return list(name_parameters(model).values())


def test_names_are_the_users_own() -> None:
    model = mlp()

    plain = names(model)

    assert plain == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert names(torch.compile(model, backend="eager")) == plain  # type: ignore[arg-type]  # a module
    assert names(Parallel(Parallel(model))) == plain


def test_a_wrapper_inside_is_taken_out_and_a_user_s_word_module_is_left() -> None:
    model = nn.Sequential(mlp(), nn.Linear(4, 2))
    model[0] = torch.compile(model[0], backend="eager")
    own = nn.ModuleDict({"head": nn.Linear(2, 2, bias=False), "body": Parallel(nn.Linear(2, 2, bias=False))})

    assert names(model)[0] == "0.0.weight"
    assert names(own) == ["head.weight", "body.module.weight"]


def test_a_parameter_that_the_model_does_not_know_has_a_name_too() -> None:
    stray = nn.Parameter(torch.ones(2))
    stray.grad = torch.ones(2)
    layers = Layers(torch.optim.SGD([stray], lr=0.1), name_parameters(mlp()), series=1)

    moment = layers.moment()

    assert moment is not None
    assert moment.layout.names == ("optimizer1.param0",)


def test_the_same_layers_give_the_same_layout() -> None:
    model = mlp()
    layers = Layers(torch.optim.SGD(model.parameters(), lr=0.1), name_parameters(model), series=0)
    model(torch.ones(1, 8)).sum().backward()

    first, second = layers.moment(), layers.moment()
    model[0].bias.grad = None
    third = layers.moment()

    assert first is not None and second is not None and third is not None
    assert first.layout is second.layout
    assert third.layout.number != first.layout.number
    assert third.layout.moved == ("0.weight", "2.weight", "2.bias")
    assert [tuple(g.shape) for g in third.grads] == [(16, 8), (4, 16), (4,)]


def test_too_many_layouts_share_the_global_series() -> None:
    parameters = [nn.Parameter(torch.ones(1)) for _ in range(70)]
    layers = Layers(torch.optim.SGD(parameters, lr=0.1), name_parameters(mlp()), series=0)
    layered = []

    for parameter in parameters:
        parameter.grad = torch.ones(1)
        moment = layers.moment()
        assert moment is not None
        layered.append(moment.layout.layered)

    assert layered == [True] * 64 + [False] * 6


def test_an_optimizer_without_measurable_parameters_has_no_moment() -> None:
    shard = nn.Parameter(torch.ones(1))
    shard._local_tensor = torch.ones(1)  # type: ignore[attr-defined]  # as a distributed tensor has
    layers = Layers(torch.optim.SGD([shard], lr=0.1), name_parameters(mlp()), series=0)

    assert layers.moment() is None
    assert layers.sharded == 1


def test_parameters_that_are_left_out_are_told() -> None:
    outlet, shard = MemoryOutlet(), nn.Parameter(torch.ones(1))
    shard._local_tensor = torch.ones(1)  # type: ignore[attr-defined]  # as a distributed tensor has
    optimizer = torch.optim.SGD([shard, nn.Parameter(torch.ones(1))], lr=0.1)

    attach(mlp(), optimizer, outlet).detach()

    (event,) = outlet.events("agent")
    assert event.text == "1 parameters are spread over several processes; their norms are absent, not zero"


def test_layouts_of_several_optimizers_have_different_numbers() -> None:
    numbers = set()
    for series in (0, 1):
        for _ in range(2):
            parameter = nn.Parameter(torch.ones(1))
            optimizer = torch.optim.SGD([parameter], lr=0.1)
            layers = Layers(optimizer, name_parameters(mlp()), series=series)
            for count in range(2):
                moment = layers.moment()
                assert moment is not None
                numbers.add((series, count, moment.layout.number))
                optimizer.add_param_group({"params": [nn.Parameter(torch.ones(1))]})

    assert len({number for _, _, number in numbers}) == 4


@pytest.mark.parametrize("size", [1, 4, 100])
def test_the_floor_of_a_ratio_is_a_thousandth_root_mean_square(size: int) -> None:
    parameter = nn.Parameter(torch.zeros(size))
    layers = Layers(torch.optim.SGD([parameter], lr=0.1), name_parameters(mlp()), series=0)

    moment = layers.moment()

    assert moment is not None
    assert moment.layout.floors == (pytest.approx(1e-3 * size**0.5),)
