"""Pull against noise in SGD at rest in a valley, and Adam's step on gradients that are known."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, NAdam, Optimizer

from ergoscope.taps import attach
from tests.agent.memory_outlet import MemoryOutlet

CURVATURE, NOISE = torch.tensor([4.0, 1.0, 0.25]), torch.tensor([1.0, 0.5, 2.0])  # of the valley and its gradients
COPIES = 20_000  # of the three coordinates, each with its own noise
STEPS = 400


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tensors of this size are not worth a second thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def rest(optimizer: Optimizer, weights: nn.Parameter, bottom: Tensor) -> MemoryOutlet:
    """Walk in the valley around `bottom`."""
    generator, outlet = torch.Generator().manual_seed(0), MemoryOutlet()
    taps = attach(nn.ParameterList([weights]), optimizer, outlet, clock=lambda: 0.0)
    sign = -1.0 if optimizer.param_groups[0]["maximize"] else 1.0
    for _ in range(STEPS):
        noise = NOISE.sqrt() * torch.randn(COPIES, 3, generator=generator)
        weights.grad = sign * (CURVATURE * (weights.detach() - bottom) + noise)
        optimizer.step()
    taps.detach()
    return outlet


# rate, momentum, dampening, bottom, maximize
VALLEYS: dict[str, tuple[float, float, float, tuple[float, float, float], bool]] = {
    "plain": (0.2, 0.0, 0.0, (0.0, 0.0, 0.0), False),
    "shifted": (0.2, 0.0, 0.0, (1.0, -1.0, 1.0), False),
    "momentum": (0.02, 0.9, 0.0, (0.0, 0.0, 0.0), False),
    "dampened": (0.04, 0.9, 0.5, (0.0, 0.0, 0.0), False),
    "maximize": (0.2, 0.0, 0.0, (0.0, 0.0, 0.0), True),
}


@pytest.mark.known_answer("fdr1_ratio")
@pytest.mark.parametrize("kind", VALLEYS)
def test_at_rest_the_pull_balances_the_noise(kind: str) -> None:
    rate, momentum, dampening, place, maximize = VALLEYS[kind]
    bottom = torch.tensor(place)
    effective = rate * (1 - dampening)
    spread = effective * NOISE * (1 + momentum)
    spread /= CURVATURE * (1 - momentum) * (2 * (1 + momentum) - effective * CURVATURE)
    start = bottom + spread.sqrt() * torch.randn(COPIES, 3, generator=torch.Generator().manual_seed(1))
    weights = nn.Parameter(start)
    optimizer = SGD([weights], lr=rate, momentum=momentum, dampening=dampening, maximize=maximize)

    outlet = rest(optimizer, weights, bottom)

    # A reading is the mean of w.g over the copies; its variance is at most that of the products of independent w and g,
    # and with weights that fall by .99 some (1 - .99^N)/(1 + .99^N) * 1.99/.01 of N readings count. Velocities
    # begin at zero, so that the first of 50 readings of momentum has 1 - .9^16 = .81 of the noise: .4 % of the whole.
    gradients = CURVATURE**2 * spread + NOISE
    variance = float(((spread + bottom**2) * gradients).sum()) / COPIES
    faded = 0.99 ** (STEPS // 8)
    error = (variance * (1 + faded) / (1 - faded) * 0.01 / 1.99) ** 0.5 / float((CURVATURE * spread).sum())
    assert outlet.series("fdr1_ratio")[STEPS] == pytest.approx(1.0, abs=4 * error)
    assert 4 * error < 0.03


def test_coupled_decay_pulls_too() -> None:
    # Weights that stand still: without noise they rest where w.g + decay |w|^2 = 0, here at 1 with g = -decay.
    weights, outlet = nn.Parameter(torch.ones(4)), MemoryOutlet()
    optimizer = SGD([weights], lr=0.5, weight_decay=0.5)
    taps = attach(nn.ParameterList([weights]), optimizer, outlet, clock=lambda: 0.0, start_step=7)

    weights.grad = torch.full((4,), 0.5)
    optimizer.step()  # by -0.5 * (0.5 + 0.5): to 0.5
    taps.detach()

    pull, noise = 4 * 0.5 + 0.5 * 4, 4 * 0.5**2 / (2 * 0.5)
    assert outlet.series("fdr1_ratio") == {8: pytest.approx(pull / noise)}


@pytest.mark.parametrize("optimizer", [lambda p: SGD(p, lr=0.1, momentum=0.9, nesterov=True), lambda p: Adam(p)])
def test_steps_that_the_relation_does_not_hold_for_have_no_ratio(optimizer) -> None:  # type: ignore[no-untyped-def]  # two of them
    weights, outlet = nn.Parameter(torch.ones(4)), MemoryOutlet()
    made = optimizer([weights])
    taps = attach(nn.ParameterList([weights]), made, outlet, clock=lambda: 0.0, start_step=7)

    weights.grad = torch.ones(4)
    made.step()
    taps.detach()

    assert outlet.series("fdr1_ratio") == {}
    assert list(outlet.series("cos_w_neg_grad")) == [8]


@pytest.mark.known_answer("adam_update_rms")
@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_adam_on_pure_noise_steps_by_the_known_share_of_its_rate(decay: float) -> None:
    generator, outlet = torch.Generator().manual_seed(0), MemoryOutlet()
    size, kinds = 10_000, ("noise", "steady")
    model = nn.ParameterDict({k: nn.Parameter(0.1 * torch.randn(size, generator=generator)) for k in kinds})
    optimizer = AdamW(model.parameters(), lr=1e-5, weight_decay=decay)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)

    for _ in range(1500):
        model["noise"].grad = torch.randn(size, generator=generator)
        model["steady"].grad = torch.ones(size)
        optimizer.step()
    taps.detach()

    noise = [v for step, v in outlet.series("adam_update_rms/noise").items() if step > 1100]
    expected = (0.1 / 1.9) ** 0.5  # .2294
    # 1/sqrt(v) averages over at least 1100 squares: up to 1/1100 too large. The rms of 10,000 entries is known to
    # 1/sqrt(20,000) a step, and the 400 steps hold some 400 / 19 independent ones.
    error = 4 * (1 / 20_000 / (400 / 19)) ** 0.5 + 1 / 1100
    assert sum(noise) / len(noise) == pytest.approx(expected, rel=error)
    # Weights near .1 are rounded to 2^-28, of a step of 1e-5 that is 4e-4.
    assert outlet.series("adam_update_rms/steady")[1496] == pytest.approx(1.0, rel=1e-3)
    largest = outlet.series("adam_update_rms/steady")
    assert outlet.series("adam_update_rms") == {step: pytest.approx(v) for step, v in largest.items()}


@pytest.mark.parametrize("case", ["nadam", "bf16", "no rate"])
def test_what_is_not_adams_own_step_is_absent(case: str) -> None:
    outlet = MemoryOutlet()
    weights = nn.Parameter(torch.ones(4, dtype=torch.bfloat16 if case == "bf16" else torch.float32))
    optimizer = NAdam([weights]) if case == "nadam" else AdamW([weights], lr=0.0 if case == "no rate" else 1e-3)
    taps = attach(nn.ParameterList([weights]), optimizer, outlet, clock=lambda: 0.0, start_step=7)

    weights.grad = torch.ones_like(weights)
    optimizer.step()
    taps.detach()

    assert outlet.series("adam_update_rms") == {}
    assert list(outlet.series("angular_update")) == [8]


def test_a_layer_that_is_not_a_number_is_the_largest() -> None:
    outlet, model = MemoryOutlet(), nn.ParameterList([nn.Parameter(torch.ones(4)) for _ in range(3)])
    optimizer = AdamW(model.parameters())
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0, start_step=7)

    for parameter, value in zip(model, (1.0, float("nan"), 1.0), strict=True):
        parameter.grad = torch.full((4,), value)
    optimizer.step()
    taps.detach()

    assert [step for step, v in outlet.series("adam_update_rms").items() if v != v] == [8]
