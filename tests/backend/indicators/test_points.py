"""A series as the indicators see it."""

import numpy as np
import pytest

from ergoscope_server.indicators.points import points, spacing

SERIES = points([1, 3, 5, 7], [1.0, np.nan, 3.0, np.inf])


def test_upto_and_since_keep_the_step_itself() -> None:
    assert SERIES.upto(5).steps.tolist() == [1, 3, 5]
    assert SERIES.since(5).steps.tolist() == [5, 7]


def test_finite_drops_nan_and_infinity_with_their_steps() -> None:
    assert SERIES.finite().steps.tolist() == [1, 5]


def test_newest_gives_what_there_is() -> None:
    assert SERIES.newest(2).steps.tolist() == [5, 7]
    assert len(SERIES.newest(9)) == 4


def test_unequal_lengths_are_refused_with_the_lengths_seen() -> None:
    with pytest.raises(ValueError, match="2 steps and 1 values; there must be one value a step"):
        points([1, 2], [1.0])


def test_spacing_is_the_usual_distance_and_at_least_one() -> None:
    assert spacing(SERIES.steps) == 2
    assert spacing(SERIES.steps[:1]) == 1
