"""Statistical algorithmic stability against a closed form, and what its interval promises."""

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import t as student_t

from ergoscope.twins.stability import overlapping, stability, student

RATE, SIZE, POINTS = 0.1, 50, np.linspace(-2, 2, 9)


def _losses(examples: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """½(w_t − z)² of estimating a mean by w ← w − η(w − x), after the start has been forgotten."""
    w = lfilter([RATE], [1, RATE - 1], examples[chosen] - examples.mean()) + examples.mean()
    return 0.5 * np.square(w[2000:, None] - POINTS)


def _closed_form(examples: np.ndarray) -> np.ndarray:
    return 0.5 * (np.square(examples.mean() - POINTS) + RATE / (2 - RATE) * examples.var())


@pytest.mark.known_answer("sas_coefficient")
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_coefficient_of_estimating_a_mean_is_its_closed_form(seed: int) -> None:
    draw = np.random.default_rng(seed)
    examples = draw.normal(size=SIZE)
    replaced = np.concatenate([[examples[0] + 4.0], examples[1:]])
    chosen = draw.integers(SIZE, size=200_000)
    truth = np.abs(_closed_form(examples) - _closed_form(replaced))

    found = stability(_losses(examples, chosen), _losses(replaced, chosen))

    worst = int(np.argmax(np.abs(found.means)))
    assert abs(found.value - truth.max()) < 4 * found.errors[worst]
    assert found.low <= truth.max() <= found.high
    assert np.all(np.abs(np.abs(found.means) - truth) < 4 * found.errors + 1e-12)


def test_equal_randomness_makes_it_more_exact_than_randomness_of_its_own() -> None:
    errors: dict[bool, list[float]] = {True: [], False: []}
    for seed in range(8):
        draw = np.random.default_rng(seed)
        examples = draw.normal(size=SIZE)
        replaced = np.concatenate([[examples[0] + 4.0], examples[1:]])
        first, other = draw.integers(SIZE, size=(2, 20_000))
        truth = _closed_form(examples) - _closed_form(replaced)
        for shared in (True, False):
            found = stability(_losses(examples, first), _losses(replaced, first if shared else other))
            errors[shared].append(float(np.abs(found.means - truth).max()))

    assert np.mean(errors[True]) < 0.5 * np.mean(errors[False])


def test_the_interval_holds_the_supremum_as_often_as_it_says() -> None:
    draw, covered = np.random.default_rng(0), 0
    truth = np.linspace(0, 0.3, 20)
    for _ in range(200):
        noise = lfilter([1], [1, -0.9], draw.normal(size=(2000, 20)), axis=0)
        found = stability(noise + truth, np.zeros_like(noise))
        covered += found.low <= 0.3 <= found.high

    assert covered / 200 > 0.95 - 4 * (0.95 * 0.05 / 200) ** 0.5


def test_twins_that_are_equal_differ_by_nothing() -> None:
    losses = np.random.default_rng(0).normal(size=(100, 5))

    found = stability(losses, losses)

    assert (found.value, found.low, found.high, found.usual) == (0.0, 0.0, 0.0, 0.0)


def test_it_is_given_per_replaced_example() -> None:
    draw = np.random.default_rng(0)
    a, b = draw.normal(size=(2, 100, 5))

    one, three = stability(a, b), stability(a, b, replaced=3)

    assert three.value == pytest.approx(one.value / 3)
    assert (three.low, three.high) == pytest.approx((one.low / 3, one.high / 3))


def test_errors_are_those_of_overlapping_batch_means() -> None:
    series = np.array([[1.0], [3.0]] * 10)  # batches of two have the mean of all

    means, errors, dof = overlapping(series)

    assert (means[0], errors[0], dof) == (2.0, 0.0, 13.5)


@pytest.mark.parametrize("p", [0.9, 0.975, 0.9995])
def test_quantiles_of_student_are_within_one_percent(p: float) -> None:
    assert student(p, 13.5) == pytest.approx(student_t.ppf(p, 13.5), rel=0.01)


def test_too_few_looks_are_refused() -> None:
    with pytest.raises(
        ValueError, match="there are 39 looks; at least 40 are needed: train longer, or look more often"
    ):
        stability(np.zeros((39, 2)), np.zeros((39, 2)))


def test_losses_of_different_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"losses have shapes \(50, 2\) and \(50, 3\); both must be \(looks, points\)"):
        stability(np.zeros((50, 2)), np.zeros((50, 3)))
