"""The turn of the weights, what they feel of the learning rate, and their alignment with the gradient."""

import math
from collections.abc import Callable, Iterable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from ergoscope.taps import attach
from tests.agent.jobs import flat_loss, mlp, plain
from tests.agent.memory_outlet import MemoryOutlet

Make = Callable[[Iterable[nn.Parameter]], Optimizer]
LAYERS, SIZE = 16, 200
EXAMPLES = torch.tensor([[1.0, 1.0], [1.0, -1.0], [3.0, 0.5], [2.0, -3.5], [1.5, 2.0]])


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tensors of this size are not worth a second thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def scale_free_gradient(weights: Tensor, generator: torch.Generator) -> Tensor:
    """Noise across each row of weights, of variance 1 / |w|^2: that of a loss that no scale of the weights changes."""
    norms = weights.norm(dim=1, keepdim=True)
    directions = weights / norms
    noise = torch.randn(weights.shape, generator=generator)
    return (noise - directions * (noise * directions).sum(1, keepdim=True)) / norms


def walk(make: Make, *, norm: float, steps: int) -> MemoryOutlet:
    """Train layers whose scale does not matter, from weights of the given norm, on noise alone."""
    generator, outlet = torch.Generator().manual_seed(0), MemoryOutlet()
    starts = torch.randn(LAYERS, SIZE, generator=generator)
    starts *= norm / starts.norm(dim=1, keepdim=True)
    model = nn.ParameterList([nn.Parameter(start.clone()) for start in starts])
    optimizer = make(model.parameters())
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    for _ in range(steps):
        gradients = scale_free_gradient(torch.stack([p.detach() for p in model]), generator)
        for parameter, gradient in zip(model, gradients, strict=True):
            parameter.grad = gradient
        optimizer.step()
    taps.detach()
    return outlet


EQUILIBRIA: dict[str, tuple[Make, float, float]] = {  # with the norm they start from and the angle
    "sgd": (lambda p: SGD(p, lr=0.1, weight_decay=0.01), (0.1 * 199 / 0.02) ** 0.25, (2 * 0.1 * 0.01) ** 0.5),
    "momentum": (
        lambda p: SGD(p, lr=0.01, momentum=0.9, weight_decay=0.01),
        (0.01 * 199 / 0.02 / 0.1) ** 0.25,
        (2 * 0.01 * 0.01 / 1.9) ** 0.5,
    ),
    "adamw": (
        lambda p: AdamW(p, lr=0.01, betas=(0.9, 0.99), weight_decay=0.1),
        (0.01 * SIZE / 0.2) ** 0.5,
        (2 * 0.01 * 0.1 * 0.1 / 1.9) ** 0.5,
    ),
}


@pytest.mark.known_answer("angular_update")
@pytest.mark.parametrize("kind", EQUILIBRIA)
def test_layers_settle_at_the_angle_at_which_noise_and_decay_balance(kind: str) -> None:
    make, norm, angle = EQUILIBRIA[kind]

    outlet = walk(make, norm=norm, steps=1600)

    turns = [v for i in range(LAYERS) for step, v in outlet.series(f"angular_update/{i}").items() if step > 600]
    # .04472, .01026, .01026. A reading's square is a mean of 199 squares, with the error sqrt(2/199), and 2000 of them
    # are some 1000 independent ones; but the theory is the first order in rate * decay and in 1/size. So 2 %, which is
    # more than 4 * sqrt(2/199/1000) / 2 = .6 %.
    assert (sum(t * t for t in turns) / len(turns)) ** 0.5 == pytest.approx(angle, rel=0.02)
    whole = [v for step, v in outlet.series("angular_update").items() if step > 600]
    assert (sum(t * t for t in whole) / len(whole)) ** 0.5 == pytest.approx(angle, rel=0.02)


@pytest.mark.known_answer("eff_lr")
def test_without_decay_the_square_of_the_norm_grows_by_the_squares_of_the_steps() -> None:
    rate = 0.1

    outlet = walk(lambda p: SGD(p, lr=rate), norm=1.0, steps=16)

    for layer in range(LAYERS):
        felt, gradients = outlet.series(f"eff_lr/{layer}"), outlet.series(f"grad_norm/{layer}")
        growth = rate**2 * sum(gradients[step] ** 2 for step in range(8, 16))  # between the weights before both steps
        # fp32 knows each |w|^2 to 2^-22 of itself.
        assert rate / felt[16] - rate / felt[8] == pytest.approx(growth, abs=4 * 2**-22 * rate / felt[16])
    squares = [rate / outlet.series(f"eff_lr/{layer}")[16] for layer in range(LAYERS)]
    assert outlet.series("eff_lr")[16] == pytest.approx(rate / sum(squares), rel=1e-6)


def test_adam_feels_its_rate_over_the_norm_and_groups_are_weighted_by_its_square() -> None:
    outlet = MemoryOutlet()
    model = nn.ParameterList([nn.Parameter(torch.tensor([3.0, 4.0])), nn.Parameter(torch.tensor([12.0]))])
    groups = [{"params": [p], "lr": lr} for p, lr in zip(model, (0.1, 0.2), strict=True)]
    optimizer = Adam(groups, lr=1.0)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0, start_step=7)

    for parameter in model:
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    taps.detach()

    assert outlet.series("eff_lr/0") == {8: pytest.approx(0.1 / 5)}
    assert outlet.series("eff_lr/1") == {8: pytest.approx(0.2 / 12)}
    assert outlet.series("eff_lr") == {8: pytest.approx((0.1 * 25 + 0.2 * 144) / 169 / 13)}


def separable(model: nn.Module) -> Tensor:
    scores: Tensor = model(EXAMPLES)
    return nn.functional.softplus(-scores).mean()


@pytest.mark.known_answer("cos_w_neg_grad")
def test_on_separable_data_the_slope_lines_up_with_the_weights() -> None:
    outlet, model = MemoryOutlet(), nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[0.0, 0.3]]))
    optimizer = SGD(model.parameters(), lr=0.5)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0, start_step=5)
    step = plain(model, optimizer, separable)

    for number in range(11):  # the weights after ten steps are those before the eleventh, which is number 16
        step(number)
    taps.detach()

    assert outlet.series("cos_w_neg_grad")[16] == pytest.approx(0.999549, abs=5e-7)  # the digits given
    assert outlet.series("cos_w_neg_grad/weight")[16] == pytest.approx(0.999549, abs=5e-7)


class SignDescent(Optimizer):
    """Steepest descent where a step is as long as its largest entry."""

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float) -> None:
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]  # one of two
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.sub_(group["lr"] * parameter.grad.sign())
        return None


@pytest.mark.known_answer("dual_alignment")
def test_sign_descent_on_separable_data_lines_up_in_its_own_geometry() -> None:
    # The examples turned by an eighth and stretched: the widest margin in this geometry lies in direction (1, 1).
    turned = EXAMPLES @ torch.tensor([[1.0, 1.0], [1.0, -1.0]])
    start, rate, steps = torch.tensor([0.75, 0.25]), 1.0 / 64, 2048
    outlet = MemoryOutlet()
    model = nn.ParameterList([nn.Parameter(start[:1].clone()), nn.Parameter(start[1:].clone())])
    optimizers = [SignDescent([parameter], rate) for parameter in model]  # the largest weight is that of both
    taps = attach(model, optimizers, outlet, clock=lambda: 0.0)
    for _ in range(steps):
        for optimizer in optimizers:
            optimizer.zero_grad()
        nn.functional.softplus(-(turned @ torch.cat(list(model)))).mean().backward()
        for optimizer in optimizers:
            optimizer.step()
    taps.detach()

    found = outlet.series("dual_alignment")
    assert list(found) == list(range(8, steps + 1, 8))
    for step, value in found.items():
        # Both slopes are above zero from the start, so both weights grow by the rate at every step.
        weights = start.double() + rate * (step - 1)
        slope = torch.sigmoid(-(turned.double() @ weights)) @ turned.double()
        assert slope.min() > 0
        expected = float(weights @ slope / (weights.max() * slope.sum()))
        # Scores up to 200 are known to 2^-18, and their slopes to as much of themselves.
        assert value == pytest.approx(expected, abs=2 * 2**-18)
        # It is (difference of the weights) * (share of the lesser slope) / (larger weight) below 1.
        assert 0 <= 1 - value <= 0.5 / float(weights.max())
    assert found[steps] > found[64] > found[8]


def test_a_layer_before_batch_normalization_has_no_slope_along_its_weights() -> None:
    torch.manual_seed(0)
    outlet = MemoryOutlet()
    model = nn.Sequential(nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16, eps=1e-12), nn.ReLU(), nn.Linear(16, 4))
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    step = plain(model, optimizer, lambda m: m(torch.randn(32, 8)).square().mean())

    for number in range(8):
        step(number)
    taps.detach()

    # Nothing but the rounding of 128 products in fp32: the weights after the step, some percent further, would show.
    assert abs(outlet.series("cos_w_neg_grad/0.weight")[8]) < 128**0.5 * 2**-23
    assert outlet.series("update_ratio/0.weight")[8] > 1e-3
    assert abs(outlet.series("cos_w_neg_grad/3.weight")[8]) > 1e-3


MAKERS: dict[str, Make] = {
    "sgd": lambda p: SGD(p, lr=0.1),
    "momentum": lambda p: SGD(p, lr=0.1, momentum=0.9),
    "decay without momentum": lambda p: SGD(p, lr=0.1, weight_decay=0.1),
    "nesterov that overwrites": lambda p: SGD(p, lr=0.1, momentum=0.9, nesterov=True, foreach=True),
    "adamw": lambda p: AdamW(p, lr=1e-2),
}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("closure", [False, True])
def test_every_optimizer_reads_the_angles_between_its_own_vectors(kind: str, closure: bool) -> None:
    torch.manual_seed(0)
    outlet, model = MemoryOutlet(), mlp()
    optimizer = MAKERS[kind](model.parameters())
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0, start_step=5)
    seen: list[Tensor] = []

    def backward() -> Tensor:
        optimizer.zero_grad()
        x, y = torch.randn(16, 8), torch.randint(0, 4, (16,))
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        seen[:] = [torch.cat([p.grad.flatten().double() for p in model.parameters() if p.grad is not None])]
        return loss

    for _ in range(3):
        before = torch.cat([p.detach().flatten().double() for p in model.parameters()])
        if closure:
            optimizer.step(backward)
        else:
            backward()
            optimizer.step()
    after = torch.cat([p.detach().flatten().double() for p in model.parameters()])
    taps.detach()

    angle = math.acos(float(before @ after / (before.norm() * after.norm())))
    # Norms in fp32 know how much the weights grew to 1e-7 of their norm: of a turn of .01 that is 1e-5, as of moves.
    assert outlet.series("angular_update")[8] == pytest.approx(angle, rel=1e-4)
    cosine = float(-(before @ seen[0]) / (before.norm() * seen[0].norm()))
    if closure and kind.startswith("nesterov"):  # its gradients are overwritten when they are there to be seen
        assert outlet.series("cos_w_neg_grad") == {}
        assert outlet.series("dual_alignment") == {}
    else:
        assert outlet.series("cos_w_neg_grad")[8] == pytest.approx(cosine, abs=1e-6)
        dual = float(-(before @ seen[0]) / (before.abs().max() * seen[0].abs().sum()))
        assert outlet.series("dual_alignment")[8] == pytest.approx(dual, abs=1e-6)


def test_sparse_gradients_have_no_products_but_turn_the_weights() -> None:
    outlet, model = MemoryOutlet(), nn.Embedding(4, 2, sparse=True)
    optimizer = SGD(model.parameters(), lr=0.1)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0, start_step=7)

    model(torch.tensor([1])).sum().backward()
    optimizer.step()
    taps.detach()

    assert outlet.series("cos_w_neg_grad") == {}
    assert list(outlet.series("angular_update")) == [8]


def test_a_rate_that_nobody_may_read_leaves_out_what_needs_it() -> None:
    outlet, model = MemoryOutlet(), mlp()
    optimizer = SGD(model.parameters(), lr=0.1)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0, start_step=7)
    optimizer.param_groups[0]["lr"] = "0.1"  # as unreadable as one on a device
    optimizer.register_step_pre_hook(lambda *_: optimizer.param_groups[0].update(lr=0.1))

    plain(model, optimizer, flat_loss)(0)
    taps.detach()

    assert outlet.series("eff_lr") == {}
    assert list(outlet.series("cos_w_neg_grad")) == [8]
