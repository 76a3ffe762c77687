"""Collapse of the features of watched classifiers whose features are known."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # as everybody calls it
from torch.optim import SGD

from ergoscope.lineup import COLLAPSE
from ergoscope.probes import collapse
from ergoscope.probes.collapse import LOOKS
from ergoscope.shards import Seat
from ergoscope.taps import attach
from tests.agent.jobs import mlp
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.looks import watch

CLASSES, FEATURES, RADIUS, EACH = 10, 64, 3.0, 20
FIRST, PERIOD = 386, 4096  # steps at which it is due
READINGS = ("nc1", "nc2_norm", "nc2_angle", "nc3", "nc4")


def simplex() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    basis, _ = torch.linalg.qr(torch.randn(FEATURES, CLASSES, generator=generator))
    return RADIUS * (CLASSES / (CLASSES - 1)) ** 0.5 * (basis @ (torch.eye(CLASSES) - 1 / CLASSES)).t()


class Given(nn.Module):
    """A head on features that are given; `shift` stands for what makes them, so that there is a way back."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(weight.shape[1]))
        self.head = nn.Linear(weight.shape[1], len(weight), bias=bias is not None)
        with torch.no_grad():
            self.head.weight.copy_(weight)
            if bias is not None:
                self.head.bias.copy_(bias)

    def forward(self, features: Tensor) -> Tensor:
        scores: Tensor = self.head(features + self.shift)
        return scores


LABELS = torch.arange(CLASSES).repeat(EACH)


def look(
    model: nn.Module,
    draw: Callable[[], Tensor],
    *,
    steps: int = LOOKS,
    labels: Tensor = LABELS,
    loss: Callable[[nn.Module, Tensor], Tensor] | None = None,
) -> MemoryOutlet:
    """Look at every step of a job that stands still."""
    outlet, optimizer = MemoryOutlet(), SGD(model.parameters(), lr=0.0)
    taps = watch(model, optimizer, outlet, tasks=(COLLAPSE,))
    for _ in range(steps):
        optimizer.zero_grad()
        (F.cross_entropy(model(draw()), labels) if loss is None else loss(model, draw())).backward()
        optimizer.step()
    assert taps.alive
    taps.detach()
    return outlet


def texts(outlet: MemoryOutlet) -> list[str]:
    return [event.text for event in outlet.events("agent") if event.text.startswith("collapse")]


def noisy(outlet_of: Callable[[int], MemoryOutlet], key: str, repeats: int) -> tuple[float, float]:
    found = torch.tensor([outlet_of(seed).series(key)[LOOKS] for seed in range(repeats)], dtype=torch.float64)
    return float(found.mean()), float(found.std()) / repeats**0.5


@pytest.mark.known_answer("nc2_norm", "nc2_angle", "nc3", "nc_examples")
def test_features_that_are_a_simplex_have_collapsed() -> None:
    corners = simplex()

    outlet = look(Given(0.7 * corners, -0.7 * corners.sum(1) * 5.0), lambda: corners[LABELS] + 5.0)

    for key in ("nc2_norm", "nc2_angle", "nc3"):
        assert outlet.series(key) == {LOOKS: pytest.approx(0.0, abs=1e-5)}, key
    assert outlet.series("nc1") == {LOOKS: pytest.approx(0.0, abs=1e-8)}
    assert outlet.series("nc_examples") == {LOOKS: LOOKS * EACH}


@pytest.mark.known_answer("nc1")
def test_noise_around_a_simplex_reads_what_theory_says() -> None:
    corners, noise, n = simplex(), 0.4, LOOKS * EACH

    def outlet_of(seed: int) -> MemoryOutlet:
        torch.manual_seed(seed)
        return look(Given(corners), lambda: corners[LABELS] + noise * torch.randn(len(LABELS), FEATURES))

    mean, error = noisy(outlet_of, "nc1", 10)

    # s² (C-1)² / (C r²) = .144 for very many examples.
    expected = noise**2 * (1 - 1 / n) * (CLASSES - 1) / (RADIUS**2 * CLASSES / (CLASSES - 1) + noise**2 / n)
    assert expected == pytest.approx(0.144, rel=0.01)
    assert mean == pytest.approx(expected, abs=4 * error)


@pytest.mark.known_answer("nc4")
@pytest.mark.parametrize("right", [True, False])
def test_head_and_nearest_mean_agree_with_the_true_bias_alone(right: bool) -> None:
    corners = simplex()
    middle = torch.full((FEATURES,), 5.0)
    bias = -corners @ middle if right else torch.zeros(CLASSES)

    found = look(Given(corners, bias), lambda: corners[LABELS] + middle).series("nc4")[LOOKS]

    wrong = (corners @ (corners + middle).t() + bias.unsqueeze(1)).argmax(0) != torch.arange(CLASSES)
    assert found == pytest.approx(float(wrong.float().mean()))
    assert (found == 0.0) == right
    assert right or found >= 0.5


def test_a_head_that_has_nothing_to_do_with_the_features_reads_two() -> None:
    torch.manual_seed(0)
    corners = simplex()

    found = look(Given(torch.randn(CLASSES, FEATURES)), lambda: corners[LABELS]).series("nc3")[LOOKS]

    assert found == pytest.approx(2.0, abs=4 * 2 / (CLASSES * FEATURES) ** 0.5)


def test_it_takes_sixteen_steps_in_a_row_and_begins_anew() -> None:
    corners = simplex()

    outlet = look(Given(corners), lambda: corners[LABELS], steps=2 * LOOKS + 3)

    assert list(outlet.series("nc3")) == [LOOKS, 2 * LOOKS]


def on_schedule(*, without: int) -> MemoryOutlet:
    """A job of no cost until the second reading is due, with a step that has no loss."""
    outlet, corners = MemoryOutlet(), simplex()
    model = Given(corners)
    optimizer = SGD(model.parameters(), lr=0.0)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    for step in range(1, FIRST + LOOKS + PERIOD):
        optimizer.zero_grad()
        if step != without:
            F.cross_entropy(model(corners[LABELS]), LABELS).backward()
        optimizer.step()
    taps.detach()
    return outlet


def test_with_time_to_spare_it_comes_every_4096_steps() -> None:
    outlet = on_schedule(without=2)  # a step without a loss before it all does no harm

    assert list(outlet.series("nc1")) == [FIRST + LOOKS - 1, FIRST + LOOKS + PERIOD - 1]


def test_a_step_that_could_not_be_looked_at_leaves_no_reading_of_that_stretch() -> None:
    outlet = on_schedule(without=FIRST + 3)

    assert list(outlet.series("nc1")) == [FIRST + LOOKS + PERIOD - 1]


def test_accumulated_passes_count_each() -> None:
    corners = simplex()

    def twice(model: nn.Module, features: Tensor) -> Tensor:
        (F.cross_entropy(model(features), LABELS) / 2).backward()
        return F.cross_entropy(model(features), LABELS) / 2

    outlet = look(Given(corners), lambda: corners[LABELS], loss=twice)

    assert outlet.series("nc_examples") == {LOOKS: 2 * LOOKS * EACH}
    assert outlet.series("nc4") == {LOOKS: 0.0}


def test_targets_that_do_not_count_are_left_out() -> None:
    corners = simplex()
    labels = torch.cat([LABELS, torch.full((7,), -100)])

    outlet = look(Given(corners), lambda: torch.cat([corners[LABELS], torch.randn(7, FEATURES)]), labels=labels)

    assert outlet.series("nc_examples") == {LOOKS: LOOKS * EACH}
    assert outlet.series("nc1") == {LOOKS: pytest.approx(0.0, abs=1e-8)}


class Twisted(Given):
    """A linear layer last in order whose output is not the scores."""

    def forward(self, features: Tensor) -> Tensor:
        return super().forward(features).flip(1) ** 3


def squares(model: nn.Module, features: Tensor) -> Tensor:
    return (model(features) - 1.0).square().mean()


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(collapse, "CLASSES", 3)
    monkeypatch.setattr(collapse, "WIDTH", 7)
    yield


@pytest.mark.parametrize(
    ("make", "loss", "reason"),
    [
        (Twisted, None, "the last linear layer does not give the scores of the loss"),
        (Given, squares, "a loss of one cross-entropy over classes, which torch itself computes, was not found"),
        (Given, lambda m, x: F.cross_entropy(m(x), LABELS) + F.cross_entropy(m(x), LABELS), "a loss of one"),
        (lambda w: nn.Sequential(nn.Conv1d(1, 10, 64), nn.Flatten()), None, "the model has no linear layer"),
    ],
)
def test_where_it_cannot_be_had_it_says_why(
    make: Callable[[Tensor], nn.Module],
    loss: Callable[[nn.Module, Tensor], Tensor] | None,
    reason: str,
) -> None:
    corners, model = simplex(), make(simplex())
    features = corners[LABELS].unsqueeze(1) if isinstance(model, nn.Sequential) else corners[LABELS]

    outlet = look(model, lambda: features, loss=loss)

    assert all(outlet.series(key) == {} for key in READINGS)
    (event,) = [e for e in outlet.events("agent") if e.text.startswith("collapse")]
    assert event.text.startswith(f"collapse is not measured: {reason}")
    assert event.data == {"absent": True, "quantities": list(READINGS)}


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("model", "batch", "reason"),
    [
        (mlp(), torch.ones(16, 8), "4 classes are more than 3"),
        (nn.Linear(8, 3), torch.ones(16, 8), "8 features are more than 7"),
    ],
)
def test_what_is_too_large_says_how_large(model: nn.Module, batch: Tensor, reason: str) -> None:
    outlet = look(model, lambda: batch, labels=torch.zeros(16, dtype=torch.long))

    assert texts(outlet) == [f"collapse is not measured: {reason}"]


def test_classes_that_are_hardly_shown_leave_it_absent() -> None:
    corners = simplex()
    labels = LABELS[LABELS != 4]

    outlet = look(Given(corners), lambda: corners[labels], labels=labels)

    assert outlet.series("nc_examples") == {LOOKS: 0.0}
    assert outlet.series("nc1") == {}
    assert texts(outlet) == ["collapse is not measured: a class was shown fewer than 8 times in 16 steps"]


def test_features_that_are_no_numbers_say_nothing() -> None:
    outlet = look(Given(simplex()), lambda: torch.full((len(LABELS), FEATURES), float("nan")))

    assert outlet.series("nc1") == {}
    assert texts(outlet) == []


def test_of_a_large_batch_a_part_is_worked_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collapse, "_WORK", 90 * FEATURES**2)
    corners = simplex()

    outlet = look(Given(corners), lambda: corners[LABELS])

    assert outlet.series("nc1") == {LOOKS: pytest.approx(0.0, abs=1e-8)}
    assert outlet.series("nc_examples")[LOOKS] < LOOKS * EACH


def test_a_process_that_answers_for_no_parameter_looks_at_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ergoscope.layers.seat", lambda: Seat(rank=1, world=2))
    monkeypatch.setattr("ergoscope.probes.collapse.scores_of", lambda roots: pytest.fail("it looked"))

    assert texts(look(Given(simplex()), lambda: simplex()[LABELS])) == []
