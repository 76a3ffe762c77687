"""Margins of the examples of a watched job, and what they are divided by."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # as everybody calls it
from torch.optim import SGD

from ergoscope.shards import Seat
from ergoscope.taps import attach
from tests.agent.jobs import mlp, plain
from tests.agent.memory_outlet import MemoryOutlet

EXAMPLES = torch.tensor([[1.0, 1.0], [1.0, -1.0], [3.0, 0.5], [2.0, -3.5], [1.5, 2.0]])  # label times example
START = (0.0, 0.3)
FIRST, PERIOD = 3, 8  # steps at which it is due


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tensors of this size are not worth a second thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def descend(steps: int) -> list[np.ndarray]:
    """Weights before each step and after the last, in double precision."""
    data, weights = EXAMPLES.double().numpy(), np.array(START)
    found = [weights]
    for _ in range(steps):
        weights = weights + 0.5 * ((1 / (1 + np.exp(data @ weights)))[:, None] * data).mean(0)
        found.append(weights)
    return found


def expected(weights: np.ndarray) -> tuple[float, float]:
    """Smallest margin and log(1 / sum of losses), each over the norm of the weights."""
    margins, norm = EXAMPLES.double().numpy() @ weights, float(np.linalg.norm(weights))
    return float(margins.min()) / norm, -math.log(np.log1p(np.exp(-margins)).sum()) / norm


def two_sides(model: nn.Module) -> Tensor:
    return F.binary_cross_entropy_with_logits(model(EXAMPLES).squeeze(1), torch.ones(5))


def two_classes(model: nn.Module) -> Tensor:
    scores = model(EXAMPLES)
    return F.cross_entropy(torch.cat([scores, torch.zeros_like(scores)], 1), torch.zeros(5, dtype=torch.long))


def watch(loss: Callable[[nn.Module], Tensor], weights: np.ndarray, *, done: int, steps: int) -> MemoryOutlet:
    outlet, model = MemoryOutlet(), nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.from_numpy(weights))
    optimizer = SGD(model.parameters(), lr=0.5)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0, start_step=done)
    step = plain(model, optimizer, loss)
    for number in range(steps):
        step(number)
    taps.detach()
    return outlet


@pytest.mark.known_answer("normalized_margin")
@pytest.mark.known_answer("smoothed_margin")
@pytest.mark.parametrize("loss", [two_sides, two_classes])
def test_on_separable_data_the_margin_tends_to_the_widest_one(loss: Callable[[nn.Module], Tensor]) -> None:
    truth, late = descend(10_000), 9_990

    outlets = [watch(loss, truth[0], done=0, steps=160), watch(loss, truth[late], done=late, steps=10)]

    after = [expected(truth[count]) for count in (10, 100, 1000, 10_000)]
    assert [margin for margin, _ in after] == pytest.approx([0.9943, 0.9784, 0.9880, 0.9958], abs=5e-5)
    assert [smooth for _, smooth in after] == pytest.approx([0.4031, 0.7618, 0.8655, 0.9078], abs=5e-5)
    hardest, smoothed = (
        {step: value for outlet in outlets for step, value in outlet.series(key).items()}
        for key in ("normalized_margin", "smoothed_margin")
    )
    assert list(hardest) == list(smoothed) == [*range(FIRST, 161, PERIOD), 9_995]
    for step in hardest:
        margin, smooth = expected(truth[step - 1])
        # Each step rounds the weights by 2^-24 of themselves, at worst in one direction; a reading is rounded too.
        error = (160 + 16) * 2**-24
        assert hardest[step] == pytest.approx(margin, abs=error)
        assert smoothed[step] == pytest.approx(smooth, abs=4 * error)  # a margin of 3.5 of an example counts too
    values = list(smoothed.values())
    assert values == sorted(values)
    assert values[-1] < hardest[9_995] < 1


def score_alone(*passes: tuple[list[float], Tensor]) -> MemoryOutlet:
    """One step, the scores of whose examples against a second class that has 0 are given; of each pass."""
    outlet, model = MemoryOutlet(), nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 2.0)
    optimizer = SGD(model.parameters(), lr=0.1)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0, start_step=FIRST - 1)
    for scores, right in passes:
        first = model(torch.tensor(scores)[:, None] / 2)
        F.cross_entropy(torch.cat([first, torch.zeros_like(first)], 1), right).backward()
    optimizer.step()
    assert taps.alive
    taps.detach()
    return outlet


@pytest.mark.known_answer("margin_quantile")
def test_a_tenth_of_the_margins_of_all_passes_are_smaller() -> None:
    margins = torch.randperm(101, generator=torch.Generator().manual_seed(0)).float().tolist()

    outlet = score_alone((margins[:40], torch.zeros(40).long()), (margins[40:], torch.zeros(61).long()))

    assert outlet.series("margin_quantile") == {FIRST: 10.0}
    assert outlet.series("normalized_margin") == {FIRST: 0.0}


def test_targets_that_do_not_count_are_left_out() -> None:
    outlet = score_alone(([4.0, -6.0, -8.0], torch.tensor([0, 1, -100])))

    assert outlet.series("normalized_margin") == {FIRST: pytest.approx(4.0 / 2)}
    loss = math.log1p(math.exp(-4)) + math.log1p(math.exp(-6))
    assert outlet.series("smoothed_margin") == {FIRST: pytest.approx(-math.log(loss) / 2, rel=1e-6)}


def test_where_no_target_counts_there_is_no_margin() -> None:
    outlet = score_alone(([4.0, -6.0], torch.tensor([-100, -100])))

    assert [outlet.series(key) for key in ("normalized_margin", "smoothed_margin", "margin_quantile")] == [{}, {}, {}]


def one_step(model: nn.Module, loss: Callable[[nn.Module], Tensor]) -> MemoryOutlet:
    outlet = MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.1)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0, start_step=FIRST - 1)
    for number in range(PERIOD + 1):
        plain(model, optimizer, loss)(number)
    assert taps.alive
    taps.detach()
    return outlet


def texts(outlet: MemoryOutlet) -> list[str]:
    return [event.text for event in outlet.events("agent") if "normalized_margin" in event.data.get("quantities", [])]  # type: ignore[operator]  # a list


def of_four_classes(model: nn.Module) -> Tensor:
    x = torch.randn(16, 8, generator=torch.Generator().manual_seed(0))
    return F.cross_entropy(model(x), torch.arange(16) % 4)


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_the_scale_of_a_homogeneous_model_does_not_matter(scale: float) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16, bias=False), nn.ReLU(), nn.Linear(16, 4, bias=False))
    scores = model(torch.randn(16, 8, generator=torch.Generator().manual_seed(0))).detach().double()
    size = sum(float(p.detach().double().square().sum()) for p in model.parameters())  # |w|^2, as L is 2
    with torch.no_grad():
        for parameter in model.parameters():
            parameter *= scale

    outlet = one_step(model, of_four_classes)

    own = F.one_hot(torch.arange(16) % 4).bool()
    margins = scores[own] - scores.masked_fill(own, -math.inf).amax(1)
    assert outlet.series("normalized_margin")[FIRST] == pytest.approx(float(margins.min()) / size, rel=1e-5)
    assert texts(outlet) == ["margins are divided by ‖w‖^2: the model is homogeneous of that degree in its weights"]


def test_elsewhere_the_product_of_the_norms_is_the_scale_and_the_reason_is_told_once() -> None:
    torch.manual_seed(0)
    model = mlp()
    scores = model(torch.randn(16, 8, generator=torch.Generator().manual_seed(0))).detach().double()
    product = math.prod(float(p.detach().double().norm()) for p in model.parameters() if p.dim() > 1)

    outlet = one_step(model, of_four_classes)

    own = F.one_hot(torch.arange(16) % 4).bool()
    margins = scores[own] - scores.masked_fill(own, -math.inf).amax(1)
    assert outlet.series("normalized_margin")[FIRST] == pytest.approx(float(margins.min()) / product, rel=1e-5)
    assert list(outlet.series("normalized_margin")) == [FIRST, FIRST + PERIOD]
    assert texts(outlet) == ["margins are divided by the product of the norms of 2 weight tensors: Linear has a bias"]


def test_a_scale_that_is_zero_leaves_the_margins_as_they_are() -> None:
    model = mlp()
    nn.init.zeros_(model[2].weight)

    outlet = one_step(model, lambda m: of_four_classes(m) * 0.0)

    assert list(outlet.series("margin_quantile")) == [FIRST, FIRST + PERIOD]
    assert outlet.series("normalized_margin") == outlet.series("smoothed_margin") == {}
    assert texts(outlet)[1:] == [
        "normalized margins are absent: what they are divided by is zero or too large for a number"
    ]


def test_a_loss_without_classes_has_no_margins_and_says_so_once() -> None:
    outlet = one_step(mlp(), lambda model: model(torch.ones(2, 8)).square().mean())

    assert outlet.series("margin_quantile") == {}
    assert texts(outlet) == [
        "margins are absent: no cross-entropy that torch itself computes, and that can be read, was found near the loss"
    ]


def test_steps_that_are_not_looked_at_have_none_and_their_examples_are_not_pooled() -> None:
    outlet, model = MemoryOutlet(), nn.Linear(2, 1, bias=False)
    optimizer = SGD(model.parameters(), lr=0.0)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    for number in range(1, FIRST + 1):
        optimizer.zero_grad()
        with torch.no_grad():
            model.weight.fill_(number)
        two_sides(model).backward()
        optimizer.step()
    taps.detach()

    # The smallest of the five is at weights (3, 3) that of the fourth example.
    assert outlet.series("normalized_margin") == {FIRST: pytest.approx(FIRST * -1.5 / (FIRST * 2**0.5))}


def test_of_very_many_passes_some_are_looked_at() -> None:
    hardest_last = [([float(100 - i)], torch.tensor([0])) for i in range(70)]

    assert score_alone(*hardest_last).series("normalized_margin") == {FIRST: pytest.approx((100 - 63) / 2)}


def test_a_process_that_answers_for_no_parameter_looks_at_no_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ergoscope.layers.seat", lambda: Seat(rank=1, world=2))
    monkeypatch.setattr("ergoscope.probes.margin.scores_of", lambda roots: pytest.fail("it looked"))

    outlet = one_step(mlp(), of_four_classes)

    assert texts(outlet) == []
