"""Stable ranks and norms of nets whose matrices are known, as they come out of a watched job."""

import math
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import nn
from torch.optim import SGD

from ergoscope.lineup import DISTANCE, MATRICES
from ergoscope.probes import matrices
from ergoscope.taps import attach
from tests.agent.jobs import conv, gpt, mlp
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.looks import train, watch

BOTH = (DISTANCE, MATRICES)


def look(
    model: nn.Module,
    *,
    steps: int = 1,
    optimizers: Sequence[SGD] = (),
    move: Callable[[int], None] = lambda step: None,
    tasks: Sequence[int] = BOTH,
) -> MemoryOutlet:
    """Measure at every step of a job whose weights only `move` changes, after the step before was seen to begin."""
    outlet = MemoryOutlet()
    several = list(optimizers) or [SGD(model.parameters(), lr=0.0)]
    taps = watch(model, several, outlet, tasks=tasks)
    for step in range(steps):
        for optimizer in several:
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    parameter.grad = torch.zeros_like(parameter)
        for optimizer in several:
            optimizer.step()
        move(step)
    assert taps.alive
    taps.detach()
    return outlet


def two_layers() -> nn.Sequential:
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 1, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.diag(torch.tensor([3.0, 1.0])))
        model[2].weight.copy_(torch.tensor([[2.0, 4.0]]))
    return model


def said(outlet: MemoryOutlet) -> list[str]:
    return [event.text for event in outlet.events("agent")]


@pytest.mark.known_answer("stable_rank")
def test_a_gaussian_matrix_has_the_stable_rank_of_its_shape() -> None:
    torch.manual_seed(0)
    model = nn.Linear(800, 400, bias=False)
    nn.init.normal_(model.weight, std=800**-0.5)
    truth = float(torch.linalg.svdvals(model.weight.detach().double()).square().sum()) / float(
        torch.linalg.matrix_norm(model.weight.detach().double(), 2) ** 2
    )

    ranks = list(look(model, steps=40, tasks=(MATRICES,)).series("stable_rank/weight").values())

    # p / (1 + sqrt(p/n))^2 as both grow: 137.3. The top of 400 eigenvalues is below its limit by some 1.2 n^(-2/3).
    assert truth == pytest.approx(137.3, rel=0.05)
    rounds = 20 + 5 * 39
    assert truth * (1 - 1e-4) <= ranks[-1] <= truth / (1 - 0.871 * math.log(800) / (rounds - 1))
    assert ranks == sorted(ranks, reverse=True)  # from above, as the largest singular value comes from below


@pytest.mark.known_answer("norm_product")
def test_the_product_of_the_largest_stretches_of_two_layers() -> None:
    outlet = look(two_layers())

    assert outlet.series("norm_product")[1] == pytest.approx(math.log(3 * 20**0.5), abs=1e-5)
    assert outlet.series("stable_rank/0.weight")[1] == pytest.approx(10 / 9, rel=1e-5)
    assert outlet.series("stable_rank/2.weight")[1] == pytest.approx(1.0, rel=1e-5)


@pytest.mark.known_answer("path_norm")
def test_the_paths_of_two_layers() -> None:
    model = two_layers()
    with torch.no_grad():
        model[2].weight[0, 0] *= -1

    assert look(model).series("path_norm")[1] == pytest.approx(math.log(10), abs=1e-6)


@pytest.mark.known_answer("norm_distance")
def test_distances_from_the_start_count_in_units_of_each_layer() -> None:
    model = two_layers()

    def move(step: int) -> None:
        with torch.no_grad():
            model[0].weight[0, 1] += 0.5
            model[2].weight.mul_(2.0)

    moved = look(model, steps=2, move=move).series("norm_distance")

    top = float(torch.linalg.matrix_norm(torch.tensor([[3.0, 0.5], [0.0, 1.0]]), 2))
    assert moved == {1: 0.0, 2: pytest.approx((0.5 / top) ** 2 + 20 / 80, rel=1e-4)}


def test_without_a_distance_at_the_same_step_there_is_none_of_it() -> None:
    outlet = look(two_layers(), tasks=(MATRICES,))

    assert outlet.series("norm_product")
    assert outlet.series("norm_distance") == {}


def test_several_optimizers_add_up_and_those_without_matrices_do_not_matter() -> None:
    whole, model = look(two_layers()), two_layers()
    model[0].bias = nn.Parameter(torch.ones(2))
    parts = [SGD([p], lr=0.0) for p in (model[2].weight, model[0].weight, model[0].bias)]

    outlet = look(model, optimizers=parts)

    assert outlet.series("norm_product")[1] == pytest.approx(whole.series("norm_product")[1])
    assert outlet.series("norm_distance") == {1: 0.0}
    assert outlet.series("path_norm") == {}
    assert "the path norm is not defined: Linear has a bias" in said(outlet)


def test_under_normalization_norms_of_the_net_are_absent_with_the_reason_and_stable_ranks_are_there() -> None:
    outlet = look(gpt())

    assert outlet.series("norm_product") == outlet.series("norm_distance") == {}
    assert outlet.series("stable_rank/0.weight")
    (event,) = [e for e in outlet.events("agent") if e.text.startswith("norms of the whole net")]
    assert event.text == "norms of the whole net are not defined: LayerNorm takes the scale out of the layers before it"
    assert event.data == {"absent": True, "quantities": ["norm_product", "norm_distance"]}


def test_a_convolution_is_a_matrix_of_its_channels() -> None:
    model = conv()
    kernel = model[0].weight.detach().flatten(1).double()

    rank = look(model).series("stable_rank/0.weight")[1]

    assert rank == pytest.approx(float(kernel.square().sum() / torch.linalg.matrix_norm(kernel, 2).square()), rel=1e-3)


def test_half_precision_is_read_in_full_and_too_much_of_it_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    model = two_layers().to(torch.bfloat16)

    found = look(model).series("norm_product")[1]
    monkeypatch.setattr(matrices, "_LARGEST", 3)
    large = look(model)

    assert found == pytest.approx(math.log(3 * 20**0.5), abs=1e-5)
    assert large.series("norm_product") == {}
    assert large.series("stable_rank/2.weight")[1] == pytest.approx(1.0, rel=1e-5)
    assert [text for text in said(large) if text.startswith("norms of 0.weight are absent: it has more than 3 entries")]


def test_weights_of_zero_and_of_no_number_are_told_as_they_are() -> None:
    model = two_layers()
    with torch.no_grad():
        model[0].weight.zero_()
        model[2].weight.fill_(math.nan)

    outlet = look(model)

    assert math.isnan(outlet.series("stable_rank/0.weight")[1])
    assert math.isnan(outlet.series("stable_rank/2.weight")[1])
    assert math.isnan(outlet.series("norm_product")[1])


def test_with_time_to_spare_it_comes_every_128_steps_with_the_distance() -> None:
    outlet, model = MemoryOutlet(), mlp()
    optimizer = SGD(model.parameters(), lr=0.1)
    start = [p.detach().clone() for p in model.parameters()]
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    train(optimizer, lambda: model(torch.ones(2, 8)).square().mean(), taps, steps=128)

    ends = [p.detach() for p in model.parameters()]
    away = [float((p - q).norm()) for p, q in zip(ends, start, strict=True)]
    tops = [float(torch.linalg.matrix_norm(p, 2)) for p in ends if p.dim() > 1]
    truth = (away[0] / tops[0]) ** 2 + (away[2] / tops[1]) ** 2
    (found,) = outlet.series("norm_distance").items()
    assert found[0] == 128
    assert truth * (1 - 1e-5) <= found[1] <= truth / (1 - 0.871 * math.log(16) / 19)  # 20 rounds, 16 columns at most
