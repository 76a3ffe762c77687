"""Where runs part."""

import numpy as np
import pytest

from ergoscope_ui.curve import Curve, from_points
from ergoscope_ui.figures.comparison import leaves, part

STEPS = np.arange(1, 1001)


def _noisy(seed: int, *, away_from: int | None = None) -> Curve:
    logs = 0.05 * np.random.default_rng(seed).standard_normal(STEPS.size)
    if away_from is not None:
        logs = logs + np.maximum(0, STEPS - away_from) / 100
    return from_points("r", "m", STEPS.tolist(), (10.0**logs).tolist())


def test_a_run_leaves_where_it_starts_to_drift() -> None:
    base = {"a": _noisy(1), "b": _noisy(2)}

    parted = part(base, {"a": _noisy(3), "b": _noisy(4, away_from=400)}, columns=100)

    # the band is about 3 * 0.05 wide, reached 15 steps after 400; a column is ten steps, and noise delays "for good"
    assert parted.first is not None
    assert parted.first[1] == "b"
    assert 400 <= parted.first[0] <= 450
    assert parted.leaves[0] is None


def test_a_run_compared_with_itself_never_leaves() -> None:
    base = {"a": _noisy(1)}

    parted = part(base, base, columns=100)

    assert parted.first is None
    assert float(np.nanmedian(parted.distance)) < 1


def test_runs_are_compared_over_the_steps_both_have() -> None:
    short = from_points("r", "m", list(range(1, 201)), [1.0] * 200)

    parted = part({"a": _noisy(1)}, {"a": short}, columns=50)

    assert (int(parted.steps[0]), int(parted.steps[-1])) == (1, 200)


def test_runs_without_a_common_layer_have_nothing_to_compare() -> None:
    parted = part({"a": _noisy(1)}, {"b": _noisy(2)}, columns=50)

    assert parted.layers == () and parted.first is None


@pytest.mark.parametrize(
    ("distance", "found"),
    [
        ([0, 2, 2, 2], 20),
        ([2, 0, 2, 2], None),  # two columns are too few to call it for good
        ([2, 2, 2, 0], None),
        ([2, 2, 2, 2], 10),
        ([0, np.nan, 2, 2, 2], 30),
        ([np.nan] * 4, None),
    ],
)
def test_leaving_for_good_is_to_stay_outside_to_the_end(distance: list[float], found: int | None) -> None:
    steps = np.arange(1, len(distance) + 1) * 10

    assert leaves(np.array(distance, dtype=float), steps) == found
