"""Clipping is heard of and undone: norms before it, after it, and what it multiplied by."""

import math
from collections.abc import Callable, Iterable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import utils
from torch.nn.utils import clip_grad_norm_
from torch.optim import SGD

from ergoscope.hearing.clipping import Clips
from ergoscope.layers import Layers, Names
from ergoscope.taps import Taps, attach
from tests.agent.jobs import flat_loss, mlp
from tests.agent.memory_outlet import MemoryOutlet

Clip = Callable[[list[nn.Parameter]], object]


class Job:
    """Steps whose gradients are given; lr is zero."""

    def __init__(self, *sizes: int) -> None:
        self.outlet = MemoryOutlet()
        self.model = nn.ParameterList([nn.Parameter(torch.ones(n)) for n in sizes])
        self.parameters = list(self.model.parameters())
        self.optimizer = SGD(self.parameters, lr=0.0)
        self.taps: Taps = attach(self.model, self.optimizer, self.outlet, clock=lambda: 0.0)

    def step(self, gradients: Iterable[list[float]], clip: Clip) -> None:
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = torch.tensor(gradient)
        clip(self.parameters)
        self.optimizer.step()

    def read(self, key: str) -> dict[int, float]:
        self.taps.detach()
        assert self.outlet.events("agent") == []
        return self.outlet.series(key)


def once(gradients: list[list[float]], clip: Clip) -> Job:
    job = Job(*[len(g) for g in gradients])
    job.step(gradients, clip)
    return job


@pytest.mark.known_answer("grad_norm_clipped")
def test_a_gradient_of_norm_ten_clipped_at_one_has_norm_one_and_had_ten() -> None:
    job = once([[6.0], [8.0]], lambda p: utils.clip_grad_norm_(p, 1.0))

    # torch divides by 10 + 1e-6; fp32 rounds to 6e-8.
    assert job.read("grad_norm_clipped") == {1: pytest.approx(1.0, rel=3e-7)}
    assert job.read("grad_norm_clipped/1") == {1: pytest.approx(0.8, rel=3e-7)}
    assert job.read("grad_norm") == {1: pytest.approx(10.0, rel=3e-7)}
    assert job.read("grad_norm/0") == {1: pytest.approx(6.0, rel=3e-7)}


@pytest.mark.known_answer("clip_coef")
def test_a_gradient_of_norm_ten_clipped_at_one_was_multiplied_by_a_tenth() -> None:
    job = once([[6.0, 8.0]], lambda p: utils.clip_grad_norm_(p, 1.0))

    assert job.read("clip_coef") == {1: pytest.approx(0.1, rel=3e-7)}


def grads(parameters: Iterable[nn.Parameter]) -> list[Tensor]:
    return [p.grad for p in parameters if p.grad is not None]


def test_without_a_clip_call_there_is_one_norm_and_no_coefficient() -> None:
    job = once([[6.0, 8.0]], lambda p: None)

    assert job.read("grad_norm") == {1: 10.0}
    assert job.read("grad_norm_clipped") == job.read("clip_coef") == {}


def test_a_limit_that_is_not_reached_has_the_coefficient_one() -> None:
    job = once([[6.0, 8.0]], lambda p: utils.clip_grad_norm_(p, math.inf))

    assert job.read("grad_norm") == job.read("grad_norm_clipped") == {1: 10.0}
    assert job.read("clip_coef") == {1: 1.0}


def test_calls_for_single_layers_apply_to_these_and_the_smallest_coefficient_is_told() -> None:
    def clip(parameters: list[nn.Parameter]) -> None:
        clip_grad_norm_(parameters[0], 3.0)
        clip_grad_norm_(parameters[1], 2.0)

    job = once([[6.0], [8.0], [1.0]], clip)

    assert job.read("grad_norm/0") == {1: pytest.approx(6.0, rel=3e-7)}
    assert job.read("grad_norm/1") == {1: pytest.approx(8.0, rel=3e-7)}
    assert job.read("grad_norm_clipped/1") == {1: pytest.approx(2.0, rel=3e-7)}
    assert job.read("grad_norm_clipped/2") == job.read("grad_norm/2") == {1: 1.0}
    assert job.read("clip_coef") == {1: pytest.approx(0.25, rel=3e-7)}


def test_repeated_calls_multiply() -> None:
    def clip(parameters: list[nn.Parameter]) -> None:
        clip_grad_norm_(parameters, 5.0)
        clip_grad_norm_(parameters, 1.0)

    job = once([[6.0], [8.0]], clip)

    assert job.read("grad_norm") == {1: pytest.approx(10.0, rel=6e-7)}
    assert job.read("clip_coef") == {1: pytest.approx(0.1, rel=6e-7)}


def test_a_limit_on_another_norm_gives_euclidean_norms_all_the_same() -> None:
    job = once([[6.0], [8.0]], lambda p: clip_grad_norm_(p, 4.0, norm_type=math.inf))

    assert job.read("clip_coef") == {1: pytest.approx(0.5, rel=3e-7)}
    assert job.read("grad_norm") == {1: pytest.approx(10.0, rel=3e-7)}


def test_entries_that_were_cut_are_undone_by_norms_taken_around_the_call() -> None:
    job = once([[6.0, 8.0], [0.0], [2.0]], lambda p: utils.clip_grad_value_(p, 3.0))

    assert job.read("grad_norm/0") == {1: pytest.approx(10.0, rel=3e-7)}
    assert job.read("grad_norm_clipped/0") == {1: pytest.approx(18**0.5, rel=3e-7)}
    assert job.read("grad_norm/1") == {1: 0.0}
    assert job.read("grad_norm") == {1: pytest.approx(104**0.5, rel=3e-7)}
    assert job.read("clip_coef") == {}


def test_a_call_that_raises_changes_nothing_and_is_not_heard() -> None:
    def clip(parameters: list[nn.Parameter]) -> None:
        with pytest.raises(RuntimeError, match="non-finite"):
            clip_grad_norm_(parameters, 1.0, error_if_nonfinite=True)

    job = once([[math.inf, 8.0]], clip)

    assert job.read("grad_norm") == {1: math.inf}
    assert job.read("grad_norm_clipped") == {}
    assert job.read("nonfinite_count") == {1: 1.0}


@pytest.mark.parametrize(("bad", "count"), [(math.inf, 1.0), (math.nan, 2.0)])
def test_a_total_norm_that_is_no_number_leaves_no_norm_before(bad: float, count: float) -> None:
    job = once([[bad, 8.0]], lambda p: clip_grad_norm_(p, 1.0))

    assert math.isnan(job.read("grad_norm")[1])
    assert job.read("nonfinite_count") == {1: count}  # of what the optimizer used: an infinite norm zeroes the rest


def test_frozen_parameters_among_the_clipped_ones_are_no_matter() -> None:
    job = Job(1, 1, 1)
    job.parameters[1].requires_grad_(False)
    job.parameters[0].grad, job.parameters[2].grad = torch.tensor([6.0]), torch.tensor([8.0])

    clip_grad_norm_(job.parameters, 1.0)
    job.optimizer.step()

    assert job.read("grad_norm/2") == {1: pytest.approx(8.0, rel=3e-7)}


def test_scaled_gradients_that_are_clipped_and_unscaled_later_read_as_unscaled() -> None:
    outlet, model = MemoryOutlet(), mlp()
    optimizer, scaler = SGD(model.parameters(), lr=0.1), torch.amp.GradScaler("cpu", init_scale=1024.0)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    true = {}

    for number in range(1, 4):
        optimizer.zero_grad()
        scaler.scale(flat_loss(model)).backward()
        true[number] = float(utils.get_total_norm(grads(model.parameters()))) / 1024
        if number == 2:
            scaler.unscale_(optimizer)
        utils.clip_grad_norm_(model.parameters(), 1e-3)
        scaler.step(optimizer)
        scaler.update()
    taps.detach()

    assert outlet.series("grad_norm") == {n: pytest.approx(v, rel=1e-6) for n, v in true.items()}


def test_gradients_made_again_inside_the_step_drop_the_calls_before() -> None:
    outlet, parameter = MemoryOutlet(), nn.Parameter(torch.ones(1))
    optimizer = SGD([parameter], lr=0.0)
    taps = attach(nn.ParameterList([parameter]), optimizer, outlet, clock=lambda: 0.0)

    for size in (6.0, 8.0, 10.0):  # as a line search does
        optimizer.zero_grad()
        (parameter * size).sum().backward()
        clip_grad_norm_(parameter, 1.0)
    optimizer.step()
    taps.detach()

    assert outlet.series("grad_norm") == {1: pytest.approx(10.0, rel=3e-7)}


def test_a_clip_call_before_another_models_backward_pass_counts() -> None:
    outlet = MemoryOutlet()
    pair = nn.ParameterList([nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))])
    first, second = SGD([pair[0]], lr=0.0), SGD([pair[1]], lr=0.0)
    taps = attach(pair, [first, second], outlet, clock=lambda: 0.0)

    (pair[0] * 6).sum().backward()
    clip_grad_norm_(pair[0], 3.0)
    (pair[1] * 8).sum().backward()
    first.step()
    second.step()
    taps.detach()

    assert outlet.series("grad_norm") == {1: pytest.approx(10.0, rel=3e-7)}
    assert outlet.series("grad_norm_clipped") == {1: pytest.approx(73**0.5, rel=3e-7)}  # 3 and, not clipped, 8
    assert outlet.series("clip_coef") == {1: pytest.approx(0.5, rel=3e-7)}


def test_half_precision_reads_the_coefficient_as_it_was_rounded() -> None:
    outlet, parameter = MemoryOutlet(), nn.Parameter(torch.ones(2, dtype=torch.bfloat16))
    optimizer = SGD([parameter], lr=0.0)
    taps = attach(nn.ParameterList([parameter]), optimizer, outlet, clock=lambda: 0.0)

    parameter.grad = torch.tensor([6.0, 8.0], dtype=torch.bfloat16)
    clip_grad_norm_(parameter, 1.0)
    optimizer.step()
    taps.detach()

    coefficient = float(torch.tensor(0.1, dtype=torch.bfloat16))
    assert outlet.series("clip_coef") == {1: pytest.approx(coefficient, rel=1e-6)}
    assert outlet.series("grad_norm")[1] == pytest.approx(10.0, rel=2**-8)  # the products are rounded to 8 bits


def test_many_calls_that_no_step_follows_are_forgotten() -> None:
    parameter = nn.Parameter(torch.ones(1))
    parameter.grad = torch.ones(1)
    optimizer = SGD([parameter], lr=0.0)
    clips = Clips([optimizer])

    for _ in range(4097):
        clips.scaled([parameter], 0.5, torch.tensor(1.0))
    moment = Layers(optimizer, Names({}), series=0).moment()
    assert moment is not None
    cuts = clips.of(moment)

    assert cuts is not None
    assert len(cuts.factors) == 1


def test_a_total_norm_that_others_hold_a_part_of_is_told_from_the_largest_gradient() -> None:
    parameters = [nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(2))]
    optimizer = SGD(parameters, lr=0.0)
    clips = Clips([optimizer])
    for parameter in parameters:
        parameter.grad = torch.full_like(parameter, 2.0)

    clips.expect(parameters, True)
    for parameter in parameters:
        parameter.grad.mul_(0.25)  # type: ignore[union-attr]  # it was just set
    clips.compare(parameters, True)
    moment = Layers(optimizer, Names({}), series=0).moment()
    assert moment is not None
    cuts = clips.of(moment)

    assert cuts is not None
    assert cuts.coefficient([float(f) for f in cuts.factors]) == pytest.approx(0.25)
    assert cuts.products(torch.device("cpu")).tolist() == pytest.approx([0.25, 0.25])
