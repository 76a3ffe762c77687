"""Directions that the last features of a watched net use, where it is known how many there are."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import SGD

from ergoscope.lineup import FEATURE_RANK
from ergoscope.probes.feature_rank import EACH, RUN, FeatureRankProbe
from ergoscope.shards import Seat
from ergoscope.taps import attach
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.looks import watch

FIRST = 450  # step at which it is due first
Array = NDArray[np.float64]


def look(
    draw: Callable[[], Tensor], *, features: int = 8, steps: int = RUN, model: nn.Module | None = None
) -> MemoryOutlet:
    """Look at every step of a job whose features are given."""
    outlet, model = MemoryOutlet(), nn.Linear(features, 2) if model is None else model
    optimizer = SGD(model.parameters(), lr=0.0)
    taps = watch(model, optimizer, outlet, tasks=(FEATURE_RANK,))
    for _ in range(steps):
        optimizer.zero_grad()
        model(draw()).square().mean().backward()
        optimizer.step()
    assert taps.alive
    taps.detach()
    return outlet


def texts(outlet: MemoryOutlet) -> list[str]:
    return [event.text for event in outlet.events("agent") if event.text.startswith("feature rank")]


@pytest.mark.known_answer("feature_rank")
@pytest.mark.parametrize("used", [1, 3, 8])
def test_directions_that_are_used_alike_are_counted(used: int) -> None:
    torch.manual_seed(0)
    basis, _ = torch.linalg.qr(torch.randn(8, 8))
    rows = 5.0 * basis[:used].repeat(24 // used, 1)

    outlet = look(lambda: rows)

    assert outlet.series("feature_rank") == {RUN: pytest.approx(used, rel=1e-5)}
    (event,) = [e for e in outlet.events("agent") if e.text.startswith("feature rank")]
    assert event.text == f"feature rank is {event.data['how']}"
    assert event.data["how"] == "of 384 rows of 8 features that entered the last linear layer in 16 steps"


def expected_of_noise(rows: int, features: int) -> float:
    """By the law of Marchenko and Pastur, with the next order for real entries (Bai, Silverstein 2004).

    Sums of f over the eigenvalues of the covariance of n Gaussian rows of p features, c = p/n, have the mean
    p ∫f dF + (f(a) + f(b))/4 - (1/2π)∫f/√((x - a)(b - x)) dx, a and b the edges (1 ∓ √c)². The rank is
    S exp(-L/S) with S the sum of √x and L that of √x log √x.
    """
    c, count = features / rows, 20_000
    turn = (np.arange(count) + 0.5) / count * np.pi
    x, edges = 1 + c + 2 * c**0.5 * np.cos(turn), ((1 - c**0.5) ** 2, (1 + c**0.5) ** 2)
    density = 2 * np.sin(turn) ** 2 / count / x

    def total(f: Callable[[Array], Array]) -> float:
        return float(features * (f(x) * density).sum() + f(np.array(edges)).sum() / 4 - f(x).mean() / 2)

    roots = total(np.sqrt)
    return roots * math.exp(-total(lambda x: np.sqrt(x) * np.log(x) / 2) / roots)


def test_noise_reads_what_the_law_of_marchenko_and_pastur_says() -> None:
    torch.manual_seed(0)
    features, readings = 256, 10

    outlet = look(lambda: torch.randn(EACH, features), features=features, steps=RUN * readings)

    found = torch.tensor([*outlet.series("feature_rank").values()], dtype=torch.float64)
    assert len(found) == readings
    assert float(found.mean()) == pytest.approx(
        expected_of_noise(RUN * EACH, features), abs=4 * float(found.std()) / readings**0.5
    )


def test_rows_are_taken_from_all_of_a_large_batch_and_all_positions() -> None:
    rows = torch.eye(8).repeat_interleave(16, dim=0).reshape(4, 32, 8)  # 128 rows, alike for stretches of 16

    outlet = look(lambda: rows)

    # 26 or 27 of them, each direction 3 or 4 times: σ in ratios of at most √(4/3).
    assert outlet.series("feature_rank")[RUN] == pytest.approx(8.0, rel=0.01)


def test_of_wide_features_there_are_fewer_rows() -> None:
    outlet = look(lambda: torch.randn(11, 8192), features=8192)

    # 2^28 multiplications are 181² times 8,192, and 11 times 16 rows are no more than 181.
    assert texts(outlet)[0].startswith("feature rank is of 176 rows of 8,192 features")
    assert 170 < outlet.series("feature_rank")[RUN] <= 176


def test_it_comes_on_schedule_once_in_a_run_of_steps() -> None:
    outlet, model = MemoryOutlet(), nn.Linear(4, 2)
    optimizer = SGD(model.parameters(), lr=0.0)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    for _ in range(FIRST + 2 * RUN):
        optimizer.zero_grad()
        model(torch.eye(4)).square().mean().backward()
        optimizer.step()
    taps.detach()

    assert outlet.series("feature_rank") == {FIRST + RUN - 1: pytest.approx(4.0, rel=1e-5)}


def test_a_run_with_a_step_that_was_not_heard_gives_no_reading_and_the_next_one_does() -> None:
    outlet, model = MemoryOutlet(), nn.Linear(4, 2)
    optimizer = SGD(model.parameters(), lr=0.0)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    due = taps._monitor._schedule.due
    taps._monitor._schedule.due = lambda step: [  # type: ignore[method-assign]  # runs of 16 steps, 4 apart
        step % 20 < RUN if task == FEATURE_RANK else now for task, now in enumerate(due(step))
    ]
    for step in range(1, 81):
        optimizer.zero_grad()
        model.train(step != 45)
        model(torch.eye(4)).square().mean().backward()
        optimizer.step()
    taps.detach()

    assert list(outlet.series("feature_rank")) == [35, 75]  # the first run was under way before it could be heard


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (nn.Sequential(nn.Flatten(), nn.Bilinear(8, 8, 2)), "the model has no linear layer"),
        (
            nn.Linear(8, 2).eval(),
            "the last linear layer was not heard: it is compiled, or its steps were no training steps",
        ),
    ],
)
def test_where_it_cannot_be_had_it_says_why(model: nn.Module, reason: str) -> None:
    probe = FeatureRankProbe(model)

    for _ in range(RUN):
        probe.measure(None)  # type: ignore[arg-type]  # it does not look at the moment
    probe.rest()
    reading = probe.measure(None)  # type: ignore[arg-type]  # as above

    assert reading is None
    assert probe.remarks.take() == [f"feature rank is not measured: {reason}"]


def test_features_that_are_no_numbers_say_nothing_and_zeros_say_so() -> None:
    broken, zero = look(lambda: torch.full((4, 8), math.nan)), look(lambda: torch.zeros(4, 8))

    assert broken.series("feature_rank") == zero.series("feature_rank") == {}
    assert texts(broken) == []
    assert texts(zero) == ["feature rank is not measured: all features are zero"]


def test_a_process_that_answers_for_no_parameter_looks_at_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ergoscope.layers.seat", lambda: Seat(rank=1, world=2))
    monkeypatch.setattr("ergoscope.probes.feature_rank.stride", lambda *_: pytest.fail("it looked"))

    assert texts(look(lambda: torch.eye(8))) == []
