"""Sketched weights: their moves and their direction against those of jobs that are known."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812  # as everybody calls it
from torch.optim import SGD

from ergoscope.lineup import LOSS, TASKS, WEIGHT_SKETCH
from ergoscope.numerics.sketch import BUCKETS, SEED, Sketcher
from ergoscope.taps import attach
from ergoscope_contract.records import Sketch
from tests.agent.given import SIZE, STEPS, last, noise, readings, train_on
from tests.agent.memory_outlet import MemoryOutlet


def sketches(outlet: MemoryOutlet) -> dict[int, np.ndarray]:
    found = [r for r in outlet.records if isinstance(r, Sketch)]
    assert {(r.key, r.seed) for r in found} <= {("weight_sketch", SEED)}
    return {r.step: np.frombuffer(r.values, "<f4").astype(float) for r in found}


@pytest.mark.known_answer("cos_update_lag1")
def test_moves_of_momentum_on_noise_agree_by_the_momentum() -> None:
    beta = 0.9

    outlet = train_on(noise(SIZE), torch.ones(SIZE), lr=1e-3, momentum=beta)

    error = (1 - beta**2) * (1 / BUCKETS + 1 / SIZE) ** 0.5 / readings(0.95, STEPS // 16) ** 0.5
    assert abs(last(outlet, "cos_update_lag1") - beta) < 4 * error


def test_moves_of_plain_descent_on_noise_do_not_agree() -> None:
    outlet = train_on(noise(SIZE), torch.ones(SIZE), lr=1e-5)

    # The rounding of the sketches, below 4e-7 of the weights, pulls it down by its square over that of the move.
    error = (1 / BUCKETS + 1 / SIZE) ** 0.5 / readings(0.95, STEPS // 16) ** 0.5
    assert abs(last(outlet, "cos_update_lag1")) < 4 * error + (4e-7 / 1e-5) ** 2


def test_moves_that_rounding_hides_have_no_agreement() -> None:
    weights = torch.ones(SIZE)

    assert train_on(noise(SIZE, steps=40), weights, lr=3e-6).series("cos_update_lag1") == {}
    assert list(train_on(noise(SIZE, steps=40), weights, lr=5e-6).series("cos_update_lag1")) == [18, 34]


SEPARABLE = torch.tensor([[1.0, 1.0], [1.0, -1.0], [3.0, 0.5], [2.0, -3.5], [1.5, 2.0]])  # label times example
START = (0.0, 3.0)


def angles(steps: int) -> list[float]:
    """Of the weights to the best direction (1, 0) after each step, in double precision."""
    data, weights = SEPARABLE.double().numpy(), np.array(START)
    found = []
    for _ in range(steps + 1):
        found.append(float(np.arctan2(weights[1], weights[0])))
        weights = weights + 0.5 * ((1 / (1 + np.exp(data @ weights)))[:, None] * data).mean(0)
    return found


@pytest.mark.known_answer("dir_step")
@pytest.mark.known_answer("cos_weight_lagk")
def test_the_direction_of_separable_descent_turns_ever_less() -> None:
    outlet, parameter = MemoryOutlet(), nn.Parameter(torch.tensor(START))
    optimizer = SGD([parameter], lr=0.5)
    taps = attach(nn.ParameterList([parameter]), optimizer, outlet, clock=lambda: 0.0)

    for _ in range(1024):
        optimizer.zero_grad()
        F.softplus(-(SEPARABLE @ parameter)).mean().backward()
        optimizer.step()
    taps.detach()

    angle = angles(1024)
    assert [1 - np.cos(angle[t]) for t in (10, 100, 1000)] == pytest.approx([2.3e-2, 5.4e-4, 7.9e-5], rel=0.01)
    # Two weights never share a bucket, so the sketch is exact; fp32 rounds each of a thousand steps by 6e-8.
    turns = outlet.series("dir_step")
    assert list(turns) == [32, 64, 96, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024]
    for step, turn in turns.items():
        assert turn == pytest.approx(2 * np.sin(abs(angle[step] - angle[step // 2]) / 2), abs=1024 * 6e-8)
    assert turns[1024] < 0.2 * turns[64]
    cosines = outlet.series("cos_weight_lagk")
    assert list(cosines) == list(turns)
    assert cosines == {step: pytest.approx(np.cos(angle[step] - angle[step // 2]), abs=2e-7) for step in cosines}


def test_the_turn_of_many_weights_is_known_to_a_few_percent() -> None:
    size, steps = 50_000, 64
    start = torch.randn(size, generator=torch.Generator().manual_seed(3))
    drift = torch.randn(size, generator=torch.Generator().manual_seed(4))

    outlet = train_on([drift] * steps, start, lr=1e-3)

    u, v = (F.normalize((start - 1e-3 * t * drift).double(), dim=0) for t in (64, 32))
    # ‖u - v‖² has the error √(2/k) of a sketch, and the length of w that it is divided by another: half of both.
    error = 0.5 * (4 / BUCKETS) ** 0.5
    assert outlet.series("dir_step")[64] == pytest.approx(float((u - v).norm()), rel=4 * error)


@pytest.mark.known_answer("weight_sketch")
def test_sketched_weights_keep_their_length_with_the_spread_that_theory_says() -> None:
    size, draws = 20_000, 200
    ratios = np.zeros(draws)

    for draw in range(draws):
        weights = torch.randn(size, generator=torch.Generator().manual_seed(draw))
        found = sketches(train_on([torch.zeros(size)], weights, start_step=63))
        ratios[draw] = (found[64] ** 2).sum() / float(weights.double().square().sum())

    spread = (2 / BUCKETS - 2 / size) ** 0.5  # √(2/k) = .0443; less what random weights of one length cannot vary
    assert abs(ratios.mean() - 1) < 4 * spread / draws**0.5
    assert abs(ratios.std() / spread - 1) < 4 / (2 * draws) ** 0.5


def test_records_come_every_64_steps_and_their_differences_are_distances() -> None:
    size = 30_000
    weights = torch.randn(size, generator=torch.Generator().manual_seed(5))

    found = sketches(train_on(noise(size, steps=200), weights, lr=0.1))

    walked = sum(noise(size, steps=128), torch.zeros(size)) - sum(noise(size, steps=64), torch.zeros(size))
    assert list(found) == [64, 128, 192]
    assert all(len(vector) == BUCKETS for vector in found.values())
    assert np.linalg.norm(found[128] - found[64]) == pytest.approx(
        0.1 * float(walked.norm()), rel=4 * 0.5 * (2 / BUCKETS) ** 0.5
    )


def error_of_displacement(phi: float, lag: int, pairs: int) -> float:
    """Relative standard error of the mean of `pairs` successive squares of w_(t+lag) - w_t, w of one coordinate."""
    apart = np.arange(pairs, dtype=float)
    agreement = (2 * phi**apart - phi ** abs(apart - lag) - phi ** (apart + lag)) / (2 * (1 - phi**lag))
    weights = 2 * (1 - apart / pairs)
    weights[0] = 1.0
    return float((2 * (weights * agreement**2).sum() / pairs) ** 0.5)


def test_displacements_of_weights_that_wander_in_a_valley_are_those_of_their_walk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ergoscope.probes.sketch._RECORD", 1)
    size, steps, phi = 1000, 2000, 0.95  # fewer coordinates than buckets: each has one of its own
    generator = torch.Generator().manual_seed(0)
    place = torch.randn(size, generator=generator) / (1 - phi**2) ** 0.5
    outlet, parameter = MemoryOutlet(), nn.Parameter(place.clone())
    optimizer = SGD([parameter], lr=1.0)
    taps = attach(nn.ParameterList([parameter]), optimizer, outlet, clock=lambda: 0.0)
    monitor = taps._monitor
    every_step = [task in (LOSS, WEIGHT_SKETCH) for task in range(len(TASKS))]
    monkeypatch.setattr(monitor._schedule, "due", lambda step: every_step)
    monitor._agenda.next = every_step

    for _ in range(steps):
        place = phi * place + torch.randn(size, generator=generator)
        parameter.grad = parameter.detach() - place  # a step of rate 1 goes there
        optimizer.step()
    taps.detach()

    found = sketches(outlet)
    assert list(found) == list(range(1, steps + 1))
    path = np.stack(list(found.values()))
    for lag, known in ((1, 1.026), (5, 4.640), (20, 13.16), (100, 20.39), (500, 20.51)):
        displacement = ((path[lag:] - path[:-lag]) ** 2).sum(1).mean() / size
        expected = 2 * (1 - phi**lag) / (1 - phi**2)
        assert expected == pytest.approx(known, rel=5e-4)  # the digits given
        assert displacement == pytest.approx(expected, rel=4 * error_of_displacement(phi, lag, steps - lag) / size**0.5)


def two_optimizers(*, second_steps: bool, steps: int = 64) -> tuple[MemoryOutlet, nn.ModuleDict]:
    outlet = MemoryOutlet()
    model = nn.ModuleDict({"one": nn.Linear(40, 50), "other": nn.Linear(30, 40)})
    optimizers = [SGD(model["one"].parameters(), lr=0.1), SGD(model["other"].parameters(), lr=0.1)]
    taps = attach(model, optimizers, outlet, clock=lambda: 0.0)
    for _ in range(steps):
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
        optimizers[0].step()
        if second_steps:
            optimizers[1].step()
    taps.detach()
    return outlet, model


def test_the_sketches_of_two_optimizers_add_up_to_that_of_the_model() -> None:
    outlet, model = two_optimizers(second_steps=True)

    names, parameters = zip(*model.named_parameters(), strict=True)
    with torch.no_grad():
        whole = Sketcher().sketch(names, parameters)
    assert whole is not None
    assert sketches(outlet)[64] == pytest.approx(whole.double().numpy(), rel=1e-5, abs=1e-5)
    assert outlet.series("cos_grad_lag1")[9] == pytest.approx(1.0)
    assert outlet.series("cos_update_lag1")[18] == pytest.approx(1.0, abs=1e-3)
    assert outlet.series("dir_step")[64] > 0


def test_nothing_is_said_of_a_model_of_which_a_part_was_not_looked_at() -> None:
    outlet, _ = two_optimizers(second_steps=False)

    assert sketches(outlet) == {}
    for key in ("cos_grad_lag1", "grad_change", "pred_residual", "cos_update_lag1", "dir_step", "cos_weight_lagk"):
        assert outlet.series(key) == {}
