"""Curves read from the service's answers."""

import numpy as np

from ergoscope_ui.curve import from_answer, from_points


def test_points_that_are_not_finite_are_kept_and_counted() -> None:
    answer = {"metric": "loss", "points": 3, "steps": [1, 2, 3], "values": [0.5, "NaN", "-Infinity"]}

    curve = from_answer("r", 7, answer)

    assert curve.exact and curve.cursor == 7 and curve.width == 1
    assert curve.nonfinite.tolist() == [0, 1, 1]
    assert np.isneginf(curve.final[2])
    assert curve.mean[0] == 0.5 and np.isnan(curve.mean[1:]).all()


def test_buckets_keep_their_extremes() -> None:
    buckets = {
        "first": [1, 5],
        "last": [4, 8],
        "low": [0.1, "NaN"],
        "high": [1e6, "NaN"],
        "mean": [2.0, "NaN"],
        "final": [0.2, "NaN"],
        "count": [4, 4],
        "nonfinite": [0, 4],
    }

    curve = from_answer("r", 7, {"metric": "loss", "points": 8, "buckets": buckets})

    assert not curve.exact and curve.width == 4 and curve.points == 8
    assert curve.high[0] == 1e6 and np.isnan(curve.high[1])


def test_a_series_without_points_is_an_empty_curve() -> None:
    curve = from_answer("r", 0, {"metric": "loss", "steps": [], "values": []})

    assert curve.size == 0 and curve.width == 1
    assert from_points("r", "loss", [], []).size == 0
