"""The generalization gap of a run, from what it logged."""

import numpy as np
import pytest

from ergoscope_ui.curve import Curve, from_points
from ergoscope_ui.gap import gap_of


def run(loss: np.ndarray, **logged: dict[int, float]) -> dict[str, Curve]:
    steps = range(1, len(loss) + 1)
    curves = {"loss": from_points("r", "loss", list(steps), loss.tolist())}
    for name, values in logged.items():
        key = name.replace("__", "/")
        curves[key] = from_points("r", key, list(values), list(values.values()))
    return curves


def test_it_is_the_newest_loss_on_other_data_less_the_mean_of_the_tenth_before() -> None:
    loss = np.concatenate([np.full(900, 5.0), np.full(100, 1.0), np.full(50, 9.0)])

    found = gap_of(run(loss, val__loss={500: 7.0, 1000: 1.5}))

    assert found is not None
    assert (found.value, found.step, found.key) == (pytest.approx(0.5), 1000, "val/loss")
    assert found.half == 0.0


def test_its_error_is_that_of_the_training_loss() -> None:
    misses = []
    for seed in range(200):
        loss = 1.0 + 0.5 * np.random.default_rng(seed).standard_normal(4000)
        found = gap_of(run(loss, val_loss={4000: 1.25}))
        assert found is not None and found.half is not None
        misses.append(abs(found.value - 0.25) > found.half)

    # Two standard errors of 20 batches are missed 6 % of the time.
    assert np.mean(misses) == pytest.approx(0.06, abs=4 * (0.06 * 0.94 / 200) ** 0.5)


def test_of_few_values_there_is_no_error() -> None:
    found = gap_of(run(np.ones(100), eval__loss={100: 3.0}))

    assert found is not None
    assert (found.value, found.half) == (2.0, None)


def test_stretches_weigh_by_what_is_in_them() -> None:
    curves = run(np.ones(2), val__loss={100: 4.0})
    at = np.array([95, 100])
    curves["loss"] = Curve(
        run="r",
        metric="loss",
        first=np.array([91, 96]),
        last=at,
        low=np.array([1.0, 2.0]),
        high=np.array([1.0, 2.0]),
        mean=np.array([1.0, 2.0]),
        final=np.array([1.0, 2.0]),
        count=np.array([3, 1]),
        nonfinite=np.array([0, 0]),
        exact=False,
    )

    found = gap_of(curves)

    assert found is not None
    assert found.value == pytest.approx(4.0 - 1.25)


@pytest.mark.parametrize(
    "curves",
    [
        run(np.ones(10)),
        run(np.ones(10), val__loss={10: float("nan")}),
        run(np.full(10, np.nan), val__loss={10: 1.0}),
        {"val/loss": from_points("r", "val/loss", [1], [1.0])},
    ],
)
def test_without_one_of_the_two_there_is_none(curves: dict[str, Curve]) -> None:
    assert gap_of(curves) is None
