"""What steps do to their own batches, where that is known."""

import weakref
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # as everybody calls it
from torch.optim import SGD, AdamW

from ergoscope.probes.trial.own_batch import OwnBatch
from ergoscope.probes.trial.passage import Passage
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.trial.batches import Masked, batch, labels, of_classes, said, train, watch

Loss = Callable[[Tensor], Tensor]


@pytest.mark.known_answer("trust_ratio")
def test_on_a_linear_model_it_is_one_less_half_the_rate_times_the_curvature_along_the_gradient() -> None:
    torch.manual_seed(0)
    model, rate, expected = nn.Linear(3, 1, bias=False).double(), 0.1, []
    optimizer = SGD(model.parameters(), lr=rate)

    def loss() -> Tensor:
        inputs, targets = torch.randn(16, 3).double(), torch.randn(16, 1).double()
        error: Tensor = model(inputs) - targets
        slope, hessian = 2 * error.detach().T @ inputs / 16, 2 * inputs.T @ inputs / 16
        expected.append(1 - rate / 2 * float(slope @ hessian @ slope.T / slope.square().sum()))
        return error.square().mean()

    outlet = train(model, optimizer, loss, steps=12)

    assert list(outlet.series("trust_ratio").values()) == pytest.approx(expected, rel=1e-9)


def test_on_a_net_of_tanh_it_gives_the_batch_sharpness_of_products() -> None:
    torch.manual_seed(1)
    inputs, one, two = (torch.randn(*s).double() for s in ((256, 6), (6, 3), (3, 1)))
    targets = torch.tanh(inputs @ one) @ two + 0.5 * torch.sin(3 * inputs[:, :1])
    model, rate, curvatures = nn.Sequential(nn.Linear(6, 24), nn.Tanh(), nn.Linear(24, 1)).double(), 0.1, []
    weights = list(model.parameters())

    def loss() -> Tensor:
        batch = torch.randint(256, (16,))
        with torch.enable_grad():
            own = F.mse_loss(model(inputs[batch]), targets[batch])
            slopes = torch.autograd.grad(own, weights, create_graph=True)
            square = sum((g.square().sum() for g in slopes), torch.zeros(()))
            products = torch.autograd.grad(0.5 * square, weights)  # Hg
        along = sum(float((p * g.detach()).sum()) for p, g in zip(products, slopes, strict=True))
        curvatures.append(along / float(square.detach()))
        return F.mse_loss(model(inputs[batch]), targets[batch])

    outlet = train(model, SGD(weights, lr=rate), loss, steps=300)

    ratios = torch.tensor(list(outlet.series("trust_ratio").values()))
    found, expected = torch.tensor(list(outlet.series("batch_sharpness").values())), torch.tensor(curvatures)
    assert len(ratios) == len(found) == 300
    assert float((2 / rate * (1 - ratios) - found).abs().max()) < 1e-6 * float(found.mean())
    # Left out is η‖g‖ times a third of the third derivative along g: of either sign, and small beside the curvature.
    assert float(found.mean()) == pytest.approx(float(expected.mean()), rel=0.01)
    assert float(torch.corrcoef(torch.stack([found, expected]))[0, 1]) > 0.99


class Speaker(nn.Module):
    """A model of a text that gives its loss itself, as those of large libraries do."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Embedding(9, 8), nn.Linear(8, 9)

    def forward(self, tokens: Tensor) -> dict[str, Tensor]:
        logits = self.head(self.embed(tokens))
        return {"loss": F.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten()), "logits": logits}


def weighted_and_summed(model: nn.Module) -> Tensor:
    targets = labels().index_fill(0, torch.tensor([3, 5]), -100)
    return F.cross_entropy(model(batch()), targets, torch.tensor([1.0, 2.0, 0.5, 1.0]).double(), reduction="sum") / 7


def of_two_sides(model: nn.Module) -> Tensor:
    return F.binary_cross_entropy_with_logits(model(batch()), (labels(16, 4) > 1).double())


def of_targets_less_answers(model: nn.Module) -> Tensor:
    return 0.5 * (torch.randn(16, 4) - model(batch())).square().sum()


def of_a_text(model: nn.Module) -> Tensor:
    tokens = torch.randint(0, 9, (4, 6))
    logits = model(tokens)["logits"]
    return F.cross_entropy(logits[:, :-1].reshape(-1, 9), tokens[:, 1:].reshape(-1))


def its_own(model: nn.Module) -> Tensor:
    loss: Tensor = model(torch.randint(0, 9, (4, 6)))["loss"] / 3
    return loss


@pytest.mark.parametrize(
    ("kind", "loss"),
    [
        (Masked, of_classes),
        (Masked, weighted_and_summed),
        (Masked, of_two_sides),
        (Masked, of_targets_less_answers),
        (Speaker, of_a_text),
        (Speaker, its_own),
    ],
)
def test_a_step_so_small_that_the_loss_is_straight_along_it_keeps_its_promise(
    kind: Callable[[], nn.Module], loss: Callable[[nn.Module], Tensor]
) -> None:
    """With the draws, the statistics and the targets that were the step's own."""
    torch.manual_seed(0)
    model = kind().double()
    optimizer = SGD(model.parameters(), lr=1e-5)

    outlet = train(model, optimizer, lambda: loss(model), steps=3)

    assert list(outlet.series("trust_ratio").values()) == pytest.approx([1.0] * 3, abs=0.01)
    assert said(outlet) == []


def test_what_is_done_to_gradients_is_in_the_step_alone() -> None:
    """Scaling, clipping and an optimizer of another kind; on ½hw² a step from w to w' has ρ = (1 + w'/w)/2."""
    outlet, model = MemoryOutlet(), nn.Linear(1, 1, bias=False).double()
    nn.init.ones_(model.weight)  # type: ignore[arg-type]  # a parameter
    optimizer = AdamW(model.parameters(), lr=0.2, weight_decay=0.0)
    taps, places = watch(model, optimizer, outlet), [1.0]
    for _ in range(3):
        optimizer.zero_grad()
        F.mse_loss(model(torch.ones(4, 1).double()), torch.zeros(4, 1).double()).mul(1024).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        places.append(float(model.weight.detach()))
    taps.detach()

    expected = [(1 + there / here) / 2 for here, there in pairwise(places)]
    assert list(outlet.series("trust_ratio").values()) == pytest.approx(expected, rel=1e-9)


def of_all_but(padding: int, **how: str) -> Loss:
    targets = torch.cat([torch.arange(16 - padding) % 4, torch.full((padding,), -100)])
    return lambda answers: F.cross_entropy(answers, targets, **how)  # type: ignore[arg-type]  # its keywords


DECAYED: dict[str, tuple[Loss, float]] = {  # of answers, and a GradScaler's scale
    "mean": (of_all_but(0), 1.0),
    "sum": (of_all_but(0, reduction="sum"), 1.0),
    "times 64": (lambda answers: 64 * of_all_but(0)(answers), 1.0),
    "over 16": (lambda answers: of_all_but(0)(answers) / 16, 1.0),
    "padded": (of_all_but(12), 1.0),
    "errors": (lambda answers: F.mse_loss(answers, torch.full_like(answers, 2.0), reduction="sum"), 1.0),
    "scaled": (of_all_but(0), 1024.0),
}


@pytest.mark.parametrize("case", DECAYED)
def test_decay_that_goes_through_the_gradient_is_part_of_the_loss(case: str) -> None:
    """Of whatever multiple of a mean it is; a GradScaler's factor is taken out before the decay comes in."""
    torch.manual_seed(0)
    loss, scale = DECAYED[case]
    model, decay, rate, expected = nn.Linear(8, 4).double(), 0.5, 0.01, []
    outlet, optimizer = MemoryOutlet(), SGD(model.parameters(), lr=rate, weight_decay=decay)
    taps, scaler = watch(model, optimizer, outlet), torch.amp.GradScaler("cpu", init_scale=scale, enabled=scale != 1)

    def objective(weight: Tensor, bias: Tensor, inputs: Tensor) -> Tensor:
        penalty = 0.5 * decay * (weight.square().sum() + bias.square().sum())
        return loss(F.linear(inputs, weight, bias)) + penalty

    for _ in range(3):
        inputs = batch()
        here = [p.detach().clone().requires_grad_() for p in model.parameters()]
        before = objective(*here, inputs)
        slopes = torch.autograd.grad(before, here)
        after = objective(*(w - rate * g for w, g in zip(here, slopes, strict=True)), inputs)
        promised = -rate * sum(float(g.square().sum()) for g in slopes)
        expected.append(float((after - before).detach()) / promised)
        optimizer.zero_grad()
        scaler.scale(loss(model(inputs))).backward()
        scaler.step(optimizer)
        scaler.update()
    taps.detach()

    assert list(outlet.series("trust_ratio").values()) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("rate", [0.1, 1e-3])
def test_in_half_precision_a_step_is_held_against_its_batch_only_where_rounding_is_smaller(rate: float) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(32, 128), nn.Tanh(), nn.Linear(128, 10))
    inputs, targets = torch.randn(64, 32), torch.randint(0, 10, (64,))

    def loss() -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return F.cross_entropy(model(inputs), targets)

    outlet = train(model, SGD(model.parameters(), lr=rate), loss, steps=4)

    found = list(outlet.series("trust_ratio").values())
    if rate == 0.1:
        assert found == pytest.approx([1.0] * 4, abs=0.1)  # 2% of the loss is promised, and all but kept
        assert said(outlet) == []
    else:
        assert found == []
        assert said(outlet) == [
            "trust_ratio is absent at steps that promise less than 1/256 of the loss: in half precision rounding is "
            "as large"
        ]


def test_the_gradient_is_let_go_before_the_batch_is_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    gradients, there = list[weakref.ref[Tensor]](), list[bool]()
    take, rise = OwnBatch.take, Passage.rise

    def taken(own: OwnBatch) -> None:
        take(own)
        gradients.append(weakref.ref(own.gradient))

    def risen(passage: Passage) -> Tensor:
        there.append(gradients[-1]() is not None)
        return rise(passage)

    monkeypatch.setattr(OwnBatch, "take", taken)
    monkeypatch.setattr(Passage, "rise", risen)
    model = nn.Linear(8, 4).double()
    train(model, SGD(model.parameters(), lr=0.1), lambda: of_classes(model), steps=3)

    assert there == [False] * 3
