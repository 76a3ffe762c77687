"""The move of a step, both ways of knowing it, against moves that are known."""

from collections.abc import Callable, Iterable

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from ergoscope.taps import attach
from tests.agent.jobs import flat_loss, mlp, plain
from tests.agent.memory_outlet import MemoryOutlet

Make = Callable[[Iterable[nn.Parameter]], Optimizer]


@pytest.mark.known_answer("update_norm")
def test_momentum_moves_by_the_rate_times_the_known_velocity() -> None:
    outlet, parameter = MemoryOutlet(), nn.Parameter(torch.tensor([100.0, 100.0]))
    optimizer = SGD([parameter], lr=0.5, momentum=0.5)
    taps = attach(nn.ParameterList([parameter]), optimizer, outlet, clock=lambda: 0.0)

    for _ in range(4):
        parameter.grad = torch.tensor([3.0, 4.0])  # norm 5; the velocity's is 5, 7.5, 8.75, 9.375
        optimizer.step()
    taps.detach()

    assert outlet.series("update_norm") == {1: 2.5, 2: 3.75, 3: 4.375, 4: 4.6875}


@pytest.mark.known_answer("update_ratio")
def test_adam_on_pure_noise_moves_by_the_known_share_of_its_rate() -> None:
    generator = torch.Generator().manual_seed(0)
    size, rate, weight = 10_000, 1e-4, 5.0
    parameter = nn.Parameter(torch.full((size,), weight))
    optimizer, outlet = Adam([parameter], lr=rate), MemoryOutlet()
    taps = attach(nn.ParameterList([parameter]), optimizer, outlet, clock=lambda: 0.0)

    for _ in range(1500):
        parameter.grad = torch.randn(size, generator=generator)
        optimizer.step()
    taps.detach()

    ratios = [v for step, v in outlet.series("update_ratio").items() if step > 1100]
    # rms of m / sqrt(v) for white noise: sqrt((1 - b1) / (1 + b1)) with b1 = .9; the weights stay near 5.
    expected = (0.1 / 1.9) ** 0.5 * rate / weight
    # 1/sqrt(v) averages over at least 1100 squares: up to 1/1100 too large. The rms of 10,000 entries is known to
    # 1/sqrt(20,000) a step, and the 400 steps hold some 400 / 19 independent ones.
    error = 4 * (1 / 20_000 / (400 / 19)) ** 0.5 + 1 / 1100
    assert sum(ratios) / len(ratios) == pytest.approx(expected, rel=error)


MAKERS: dict[str, Make] = {
    "sgd": lambda p: SGD(p, lr=0.1),
    "momentum": lambda p: SGD(p, lr=0.1, momentum=0.9),
    "momentum, decay and dampening": lambda p: SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1, dampening=0.2),
    "maximize": lambda p: SGD(p, lr=0.1, momentum=0.9, maximize=True),
    "foreach": lambda p: SGD(p, lr=0.1, momentum=0.9, foreach=True),
    "fused": lambda p: SGD(p, lr=0.1, momentum=0.9, fused=True),
    "decay without momentum": lambda p: SGD(p, lr=0.1, weight_decay=0.1),
    "nesterov": lambda p: SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "nesterov that overwrites": lambda p: SGD(p, lr=0.1, momentum=0.9, nesterov=True, foreach=True),
    "rate as a tensor": lambda p: SGD(p, lr=torch.tensor(0.1), momentum=0.9),
    "adamw": lambda p: AdamW(p, lr=1e-2),
    "groups": lambda p: SGD([{"params": [q], "lr": 0.1 / (i + 1)} for i, q in enumerate(p)], lr=1.0, momentum=0.9),
}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("double", [False, True])
def test_every_optimizer_reads_the_difference_of_its_weights(kind: str, double: bool) -> None:
    torch.manual_seed(0)
    outlet, model = MemoryOutlet(), mlp()
    if double:
        model = model.double()
    optimizer = MAKERS[kind](model.parameters())
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    true: dict[int, float] = {}

    def loss(m: nn.Module) -> Tensor:
        x, y = torch.randn(16, 8).to(m[0].weight.dtype), torch.randint(0, 4, (16,))  # type: ignore[index]  # Sequential
        return nn.functional.cross_entropy(m(x), y)

    step = plain(model, optimizer, loss)
    for number in range(1, 5):
        before = [p.detach().double().clone() for p in model.parameters()]
        step(number)
        moves = [p.detach().double() - b for p, b in zip(model.parameters(), before, strict=True)]
        true[number] = sum(float(m.square().sum()) for m in moves) ** 0.5
    taps.detach()

    # Weights near 1 are rounded to 2^-24, a move of .1 over some 200 entries is known to 1e-5 of itself.
    assert outlet.series("update_norm") == {n: pytest.approx(v, rel=1e-5) for n, v in true.items()}
    weights = outlet.series("weight_norm")
    for number in true:
        assert outlet.series("update_ratio")[number] == pytest.approx(true[number] / weights[number], rel=1e-5)


def test_sixteen_bit_weights_read_what_rounding_left_of_the_step() -> None:
    outlet, parameter = MemoryOutlet(), nn.Parameter(torch.ones(4, dtype=torch.bfloat16))
    optimizer = SGD([parameter], lr=1e-4, momentum=0.9)
    taps = attach(nn.ParameterList([parameter]), optimizer, outlet, clock=lambda: 0.0)

    parameter.grad = torch.ones(4, dtype=torch.bfloat16)
    optimizer.step()  # 1 - 0.0001 is 1 in bf16
    taps.detach()

    assert outlet.series("update_norm") == {1: 0.0}


def test_layers_that_start_at_zero_do_not_dominate() -> None:
    outlet, parameter = MemoryOutlet(), nn.Parameter(torch.zeros(4))
    optimizer = SGD([parameter], lr=1e-6)
    taps = attach(nn.ParameterList([parameter]), optimizer, outlet, clock=lambda: 0.0)

    parameter.grad = torch.ones(4)
    optimizer.step()
    taps.detach()

    assert outlet.series("update_ratio/0") == {1: pytest.approx(2e-6 / 2e-3)}
    assert outlet.series("update_ratio") == {1: pytest.approx(2e-6 / 2e-3)}


def test_a_fused_step_that_the_scaler_empties_moves_nothing() -> None:
    outlet, model = MemoryOutlet(), mlp()
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9, fused=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)

    for factor in (1.0, float("inf"), 1.0):
        optimizer.zero_grad()
        scaler.scale(flat_loss(model) * factor).backward()
        scaler.step(optimizer)
        scaler.update()
    taps.detach()

    moved = outlet.series("update_norm")
    assert moved[2] == 0.0
    assert moved[1] > 0
    assert moved[3] > 0


def test_loaded_optimizer_state_is_used_from_the_next_step_on() -> None:
    outlet, parameter = MemoryOutlet(), nn.Parameter(torch.tensor([100.0]))
    optimizer = SGD([parameter], lr=0.5, momentum=0.5)
    taps = attach(nn.ParameterList([parameter]), optimizer, outlet, clock=lambda: 0.0)
    saved = None

    for number in range(4):
        if number == 1:
            saved = optimizer.state_dict()
            saved = {**saved, "state": {0: {"momentum_buffer": torch.tensor([8.0])}}}
        if number == 3:
            assert saved is not None
            optimizer.load_state_dict(saved)
        parameter.grad = torch.tensor([4.0])
        optimizer.step()
    taps.detach()

    # Velocities 4, 6, 7; then loaded 8, so 8/2 + 4 = 8.
    assert outlet.series("update_norm") == {1: 2.0, 2: 3.0, 3: 3.5, 4: 4.0}
