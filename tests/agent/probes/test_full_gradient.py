"""Norm of the gradient over a fixed batch, of losses whose gradient is known."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from ergoscope.lineup import FULL_GRADIENT
from ergoscope.probes.full_gradient import PARTS
from ergoscope.taps import attach
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.looks import LossFn, watch

SLOPE, NOISE, SIZE, ROWS = 0.09, 25.0, 1278, 128  # squared slope; trace of one example's covariance


def outputs(model: nn.Module, batch: object) -> Tensor:
    """Of a linear model: the gradients of the examples are the examples."""
    out: Tensor = model(batch)
    return out[:, 0]


def look(model: nn.Module, probe: object, loss_fn: LossFn = outputs, *, steps: int = 1) -> MemoryOutlet:
    outlet, optimizer = MemoryOutlet(), SGD(model.parameters(), lr=0.0)
    taps = watch(model, optimizer, outlet, curvature=None, tasks=(FULL_GRADIENT,), probe=probe, loss_fn=loss_fn)
    for _ in range(steps):
        optimizer.zero_grad()
        sum(p.sum() for p in model.parameters()).backward()  # type: ignore[union-attr]  # there are some
        optimizer.step()
    assert taps.alive
    taps.detach()
    return outlet


def said(outlet: MemoryOutlet) -> list[str]:
    return [e.text for e in outlet.events("agent") if e.text.startswith("the gradient of the whole loss")]


@pytest.mark.known_answer("grad_sq_norm_full")
def test_the_noise_of_the_batch_is_taken_off_and_the_rest_scatters_as_theory_says() -> None:
    generator, readings = torch.Generator().manual_seed(0), 100
    model = nn.Linear(SIZE, 1, bias=False)

    found = []
    for _ in range(readings):
        x = (SLOPE / SIZE) ** 0.5 + (NOISE / SIZE) ** 0.5 * torch.randn(ROWS, SIZE, generator=generator)
        found.append(look(model, x).series("grad_sq_norm_full")[1])

    # 4 G'ΣG / B + 2 tr(Σ²) / (b² m (m - 1)) for Σ alike in all directions, b of B examples in each of m parts.
    each, read = ROWS // PARTS, torch.tensor(found, dtype=torch.float64)
    variance = 4 * SLOPE * NOISE / SIZE / ROWS + 2 * NOISE**2 / SIZE / (each**2 * PARTS * (PARTS - 1))
    assert float(read.mean()) == pytest.approx(SLOPE, abs=4 * (variance / readings) ** 0.5)
    assert float(read.std()) == pytest.approx(variance**0.5, rel=4 / (2 * readings) ** 0.5)


class Bowl(nn.Module):
    """½ Σ h_i w_i² + w·x for an example x: its gradient is hw + x."""

    def __init__(self, curvature: Tensor) -> None:
        super().__init__()
        self.curvature, self.weight = curvature, nn.Parameter(torch.zeros(len(curvature)))

    def forward(self, x: Tensor) -> Tensor:
        return 0.5 * (self.curvature * self.weight.square()).sum() + x @ self.weight


@pytest.mark.known_answer("grad_norm_full")
def test_sgd_at_rest_on_a_quadratic_has_the_slope_that_its_noise_keeps_up() -> None:
    """With noise c_i of one step the stationary E(h_i w_i)² is η h_i c_i / (2 - η h_i): .7735 in all."""
    torch.manual_seed(0)
    rate, h, c = 0.2, torch.tensor([4.0, 1.0, 0.25]), torch.tensor([1.0, 0.5, 2.0])
    outlet, model, apart, readings = MemoryOutlet(), Bowl(h), 10, 500
    optimizer = SGD(model.parameters(), lr=rate)
    probe = c.sqrt() * torch.randn(1 << 16, 3)  # so large that the noise of its own mean is below 1e-4
    taps = watch(
        model,
        optimizer,
        outlet,
        curvature=None,
        due=apart,
        tasks=(FULL_GRADIENT,),
        probe=probe,
        loss_fn=lambda m, x: m(x),
    )
    for _ in range(20 * apart + readings * apart):
        optimizer.zero_grad()
        model(c.sqrt() * torch.randn(1, 3)).mean().backward()
        optimizer.step()
    taps.detach()

    read = torch.tensor([*outlet.series("grad_norm_full").values()], dtype=torch.float64)[20:]
    squares = rate * h * c / (2 - rate * h)
    kept = (1 - rate * h) ** (2 * apart)  # of a deviation of a square, from one reading to the next
    error = float((2 * squares**2 * (1 + kept) / (1 - kept)).sum() / len(read)) ** 0.5
    assert float(squares.sum()) == pytest.approx(0.7735, abs=5e-5)
    assert float(read.square().mean()) == pytest.approx(0.7735, abs=4 * error)


def test_a_square_below_zero_keeps_its_sign_and_has_no_root() -> None:
    x = torch.ones(16, 4)
    x[::4], x[1::4] = -1.0, -1.0  # every part of two examples is against its neighbour

    outlet = look(nn.Linear(4, 1, bias=False), x)

    assert outlet.series("grad_sq_norm_full") == {1: pytest.approx(-4.0 / 7)}  # 8 parts of squared norm 4, mean 0
    assert outlet.series("grad_norm_full") == {1: 0.0}


def test_what_it_is_the_gradient_of_is_said() -> None:
    model = nn.Linear(4, 1, bias=False)

    training, evaluating = look(model, torch.ones(35, 4)), look(model.eval(), torch.ones(6, 4))

    assert training.series("grad_norm_full") == {1: pytest.approx(2.0)}
    assert said(training) == [
        "the gradient of the whole loss is that of 8 parts of 4 examples of the fixed batch, in training mode"
    ]
    assert said(evaluating) == [
        "the gradient of the whole loss is that of 3 parts of 2 examples of the fixed batch, in evaluation mode"
    ]


def test_masks_differ_between_parts_and_are_the_same_at_every_reading() -> None:
    model = nn.Sequential(nn.Dropout(0.5), nn.Linear(64, 1, bias=False))

    outlet = look(model, torch.ones(16, 64), steps=2)

    first, second = outlet.series("grad_sq_norm_full").values()
    assert first == second
    # E m = 1 for the mean m of two masked entries and E m² = 1.5: of 64, masks that all parts share would read 96 ± 12.
    assert first < 80.0


def test_two_optimizers_have_one_gradient() -> None:
    outlet, model = MemoryOutlet(), nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 1, bias=False))
    optimizers = [SGD(layer.parameters(), lr=0.0) for layer in model]
    x = torch.ones(16, 4)
    taps = watch(model, optimizers, outlet, curvature=None, tasks=(FULL_GRADIENT,), probe=x, loss_fn=outputs)

    for _ in range(2):
        model(x).mean().backward()
        for optimizer in optimizers:
            optimizer.step()
    taps.detach()

    expected = torch.autograd.grad(model(x).mean(), list(model.parameters()))
    norm = float(torch.stack([g.norm() for g in expected]).norm())
    assert list(outlet.series("grad_norm_full").values()) == pytest.approx([norm, norm], rel=1e-5)


def hooked() -> nn.Module:
    model = nn.Linear(4, 1)
    model.weight.register_hook(lambda gradient: None)
    return model


def hooked_as_a_module() -> nn.Module:
    model = nn.Linear(4, 1)
    model.register_full_backward_hook(lambda *_: None)
    return model


@pytest.mark.parametrize(
    ("make", "probe", "loss_fn", "reason"),
    [
        (lambda: nn.Linear(4, 1), torch.ones(3, 4), outputs, "it has too few examples to be divided, or how many"),
        (lambda: nn.Linear(4, 1), [torch.ones(8, 4), torch.ones(2)], outputs, "it has too few examples to be divided"),
        (
            lambda: nn.Linear(4, 1),
            torch.ones(8, 4),
            lambda m, x: "none",
            "loss_fn must give a tensor of losses, and gives",
        ),
        (hooked, torch.ones(8, 4), outputs, "a parameter has hooks of the job's own"),
        (hooked_as_a_module, torch.ones(8, 4), outputs, "a module has backward hooks of the job's own"),
    ],
)
def test_what_cannot_be_run_is_told_once(
    make: Callable[[], nn.Module], probe: object, loss_fn: LossFn, reason: str
) -> None:
    outlet = look(make(), probe, loss_fn, steps=3)

    assert outlet.series("grad_norm_full") == {}
    (text,) = said(outlet)
    assert text.startswith(f"the gradient of the whole loss is not measured on the fixed batch: {reason}")


def test_where_memory_is_short_that_is_the_reason() -> None:
    def loss(model: nn.Module, batch: object) -> Tensor:
        raise MemoryError

    outlet = look(nn.Linear(4, 1), torch.ones(8, 4), loss)

    assert said(outlet) == [
        "the gradient of the whole loss is not measured on the fixed batch: there is no memory for it"
    ]


def test_without_a_fixed_batch_nothing_is_said() -> None:
    outlet, model = MemoryOutlet(), nn.Linear(4, 1)
    optimizer = SGD(model.parameters(), lr=0.0)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)

    for _ in range(500):
        model(torch.ones(2, 4)).mean().backward()
        optimizer.step()
    taps.detach()

    assert said(outlet) == []
