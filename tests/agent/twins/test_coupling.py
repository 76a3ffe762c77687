"""How far twins are apart, against walks whose distance is known."""

import math

import numpy as np
import pytest
import torch

from ergoscope.numerics.sketch import Sketcher
from ergoscope.twins.coupling import Departure, coupling, departures


def _sketches(walk: np.ndarray) -> np.ndarray:
    sketcher = Sketcher()
    with torch.no_grad():
        return np.stack([sketcher.sketch(["w"], [torch.tensor(w)]).clone().numpy() for w in walk.astype(np.float32)])


@pytest.mark.known_answer("coupling_distance")
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_contracting_walks_with_shared_noise_come_together_at_the_known_rate(seed: int) -> None:
    draw, shrink, size, steps = np.random.default_rng(seed), 0.98, 2000, 200
    first, second = draw.normal(size=(2, size))
    start, walks = float(np.linalg.norm(first - second)), []
    for _ in range(steps):
        noise = draw.normal(size=size)
        first, second = shrink * first + noise, shrink * second + noise
        walks.append((first, second))

    found = coupling(
        np.arange(1, steps + 1), _sketches(np.array([a for a, _ in walks])), _sketches(np.array([b for _, b in walks]))
    )

    truth = start * shrink ** np.arange(1, steps + 1)
    assert np.all(np.abs(found.distances / truth - 1) < 4 * math.sqrt(2 / 1021) / 2)  # a sketch's error, 4 times
    assert found.rate == pytest.approx(math.log(shrink), rel=0.02)  # fp32: weights near 20 round to 1e-6
    assert found.word == "coming together"


@pytest.mark.parametrize(
    ("growth", "word"), [(0.0, "at a steady distance"), (0.01, "parting"), (-0.01, "coming together")]
)
def test_what_twins_do_is_told_in_words(growth: float, word: str) -> None:
    steps = np.arange(400)
    noise = np.exp(0.1 * np.random.default_rng(0).normal(size=400))
    apart = (np.exp(growth * steps) * noise)[:, None]

    assert coupling(steps, np.zeros((400, 1)), apart).word == word


def test_twins_that_never_part_are_equal() -> None:
    same = np.ones((100, 4))

    found = coupling(np.arange(100), same, same)

    assert (found.word, found.relative, found.rate) == ("equal", 0.0, None)


def test_of_twins_that_are_equal_at_some_looks_or_seen_rarely_no_rate_is_told() -> None:
    apart = np.ones((100, 1))
    apart[80] = 0.0

    assert coupling(np.arange(100), np.zeros((100, 1)), apart).word == "apart"
    assert coupling(np.arange(30), np.zeros((30, 1)), np.ones((30, 1))).word == "apart"


def test_the_last_distance_is_told_against_the_weights() -> None:
    found = coupling([1, 2], [[3.0, 4.0]] * 2, [[3.0, 4.0], [3.0, 4.5]])

    assert found.relative == pytest.approx(0.1)


def test_layers_are_named_in_the_order_in_which_they_part() -> None:
    first = np.zeros((4, 3, 2))
    second = first.copy()
    second[2:, 0, 1] = 1.0
    second[1:, 2, 0] = 1.0

    found = departures([10, 20, 30, 40], ["a", "b", "c"], first, second)

    assert found == [Departure("c", 20), Departure("a", 30)]
