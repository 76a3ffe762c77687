"""Names of parameters, and which of them have gradients."""

from types import SimpleNamespace
from typing import NamedTuple

import pytest
import torch
from torch import nn

from ergoscope.layers import Layers, name_parameters
from ergoscope.shards import answering, count_parts, seat
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


class Placement(NamedTuple):
    """How a tensor lies along one dimension of a mesh."""

    name: str

    def is_partial(self) -> bool:
        return self.name == "partial"

    def is_replicate(self) -> bool:
        return self.name == "copy"


def distributed_parameter(mesh: list[object], *placements: str) -> nn.Parameter:
    """Looks like a distributed tensor of which `torch.ones(1)` is here."""
    parameter = nn.Parameter(torch.ones(1))
    parameter._local_tensor = torch.ones(1)  # type: ignore[attr-defined]  # as a distributed tensor has
    parameter.placements = tuple(map(Placement, placements))  # type: ignore[attr-defined]  # as above
    parameter.device_mesh = SimpleNamespace(mesh=torch.tensor(mesh))  # type: ignore[attr-defined]  # as above
    return parameter


@pytest.mark.parametrize(
    ("mesh", "placements", "ranks"),
    [
        ([0, 1, 2], ["shard"], (0, 1, 2)),
        ([0, 1, 2], ["copy"], (0,)),
        ([[0, 1], [2, 3]], ["copy", "shard"], (0, 1)),  # hybrid: the first copy's shards
        ([[0, 1], [2, 3]], ["shard", "copy"], (0, 2)),
        ([[0, 1], [2, 3]], ["shard", "shard"], (0, 1, 2, 3)),
        ([2, 3], ["shard"], ()),  # a copy of what the mesh with rank 0 has
        ([0, 1], ["partial"], None),
    ],
)
def test_of_every_entry_exactly_one_rank_answers(
    mesh: list[object], placements: list[str], ranks: tuple[int, ...] | None
) -> None:
    parameter = distributed_parameter(mesh, *placements)

    assert answering(parameter) == ranks
    assert count_parts([parameter]) == max(1, len(ranks or ()))
    assert count_parts([parameter, nn.Parameter(torch.ones(1))]) == max(1, len(ranks or ()))
    assert seat().rank == 0
    layers = Layers(torch.optim.SGD([parameter], lr=0.1), name_parameters(mlp()), series=0)
    assert (layers.moment() is not None) == (0 in (ranks or ()))


def test_a_plain_parameter_is_rank_0_s_and_the_first_fsdp_s_is_nobody_s() -> None:
    flat = nn.Parameter(torch.ones(1))
    flat._fsdp_flattened = True  # type: ignore[attr-defined]  # as FSDP marks what it has flattened

    assert answering(nn.Parameter(torch.ones(1))) == (0,)
    assert answering(flat) is None
    assert Layers(torch.optim.SGD([flat], lr=0.1), name_parameters(mlp()), series=0).moment() is None


def test_parameters_that_are_left_out_are_told() -> None:
    outlet, summand = MemoryOutlet(), distributed_parameter([0, 1], "partial")
    optimizer = torch.optim.SGD([summand, nn.Parameter(torch.ones(1))], lr=0.1)

    attach(mlp(), optimizer, outlet).detach()

    spread, left = [event.text for event in outlet.events("agent")]
    assert spread.startswith("parameters are spread over several processes: norms are added up over them, every other")
    assert left == (
        "1 parameters are spread over processes in a way that has no norm here; their norms are absent, not zero"
    )


def test_a_gradient_that_nobody_has_added_up_is_left_out_and_told_once() -> None:
    parameter, other = distributed_parameter([0, 1], "copy"), nn.Parameter(torch.ones(1))
    layers = Layers(torch.optim.SGD([parameter, other], lr=0.1), name_parameters(mlp()), series=0)
    layers.moment()
    layers.remarks.take()
    other.grad = torch.ones(1)
    parameter.grad = torch.ones(1)
    parameter.grad.placements = (Placement("partial"),)  # type: ignore[attr-defined]  # as a distributed tensor has

    first, second = layers.moment(), layers.moment()

    assert first is not None and second is not None
    assert first.layout.moved == second.layout.moved == ("optimizer0.param1",)
    assert layers.remarks.take() == [
        "the gradients of 1 parameters are not added over processes; their norms are absent, not zero"
    ]


def test_a_part_that_was_put_elsewhere_is_looked_up_again() -> None:
    parameter = distributed_parameter([0, 1], "shard")
    layers = Layers(torch.optim.SGD([parameter], lr=0.1), name_parameters(mlp()), series=0)

    first = layers.moment()
    parameter._local_tensor = torch.full((1,), 2.0)  # type: ignore[attr-defined]  # as FSDP does when a model is moved
    second = layers.moment()

    assert first is not None and second is not None
    assert (first.parameters[0].item(), second.parameters[0].item()) == (1.0, 2.0)


def test_a_part_without_entries_counts_as_nothing() -> None:
    parameter = nn.Parameter(torch.zeros(0, 4))
    moment = Layers(torch.optim.SGD([parameter], lr=0.1), name_parameters(mlp()), series=0).moment()

    assert moment is not None
    assert 0 < moment.layout.floors[0] < 1e-20  # a ratio divides by it


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
