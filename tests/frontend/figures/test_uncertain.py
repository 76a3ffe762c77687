"""Values with their errors."""

import numpy as np
import plotly.graph_objects as go

from ergoscope_ui.curve import Curve, from_answer, from_points
from ergoscope_ui.figures import band
from ergoscope_ui.figures.canvas import Frame
from ergoscope_ui.figures.uncertain import bars, chart, sizes_at
from ergoscope_ui.theme import LIGHT

FRAME = Frame(LIGHT, "Tr H", first=0, last=40, open_end=True)
CURVE = from_points("r", "hess_trace", [10, 20, 30], [4.0, 5.0, 6.0])


def _stretches() -> Curve:
    stretch = {name: [1.0] for name in ("low", "high", "mean", "final")}
    buckets = {"first": [1], "last": [20], "count": [20], "nonfinite": [0], **stretch}
    return from_answer("r", 0, {"metric": "hess_trace", "points": 20, "buckets": buckets})


def test_errors_are_those_of_the_same_steps_without_their_sign() -> None:
    errors = from_points("r", "hess_trace_error", [5, 10, 30], [9.0, -0.5, 0.1])

    assert np.array_equal(sizes_at(CURVE, errors), [0.5, np.nan, 0.1], equal_nan=True)


def test_means_of_stretches_have_no_errors_and_neither_have_other_steps() -> None:
    later = from_points("r", "hess_trace_error", [99], [1.0])

    assert np.isnan(sizes_at(_stretches(), CURVE)).all() and np.isnan(sizes_at(CURVE, _stretches())).all()
    assert np.isnan(sizes_at(CURVE, None)).all() and np.isnan(sizes_at(CURVE, later)).all()


def test_the_band_is_as_wide_as_the_errors_and_the_line_stays() -> None:
    high, low, line, _ = chart(CURVE, np.array([1.0, np.nan, 0.5]), FRAME, name="trace")["data"]

    assert (high["y"], line["y"], low["y"]) == ([5.0, 5.0, 6.5], [4.0, 5.0, 6.0], [3.0, 5.0, 5.5])


def test_the_axis_reaches_to_the_ends_of_the_band() -> None:
    low, high = chart(CURVE, np.array([3.0, 3.0, 3.0]), FRAME, name="trace")["layout"]["yaxis"]["range"]

    assert low <= 1.0 and high >= 9.0


def test_the_stream_extends_the_line_alone_since_it_tells_no_errors() -> None:
    with_errors = chart(CURVE, np.array([1.0, 1.0, 1.0]), FRAME, name="trace")["layout"]["meta"]["grows"]
    without = chart(CURVE, np.empty(0), FRAME, name="trace")["layout"]["meta"]["grows"]

    assert [(growth["line"], growth["band"]) for growth in (*with_errors, *without)] == [(2, None), (2, 0)]


def test_a_single_value_has_a_bar_and_the_axis_reaches_to_its_ends() -> None:
    drawn = chart(from_points("r", "hess_trace", [10], [30.0]), np.array([14.0]), FRAME, name="trace")
    low, high = drawn["layout"]["yaxis"]["range"]

    assert drawn["data"][2]["error_y"]["array"] == [14.0]
    assert low <= 16.0 and high >= 44.0


def test_without_errors_it_is_the_curve_and_its_extremes() -> None:
    plain = band.chart(CURVE, FRAME, name="trace")

    assert chart(CURVE, np.full(3, np.nan), FRAME, name="trace") == plain
    assert chart(None, np.empty(0), FRAME, name="trace")["layout"]["annotations"][0]["text"] == "no trace yet"


def test_plotly_takes_bands_and_bars() -> None:
    drawn = chart(CURVE, np.array([1.0, np.nan, 0.5]), FRAME, name="trace")
    line = bars(drawn["data"][2], np.array([1.0, np.nan, 0.5]), colour="#3b78b8")

    assert line["error_y"]["array"] == [1.0, None, 0.5]
    go.Figure({**drawn, "data": [line]})
