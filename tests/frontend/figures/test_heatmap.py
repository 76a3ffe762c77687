"""Heat maps of layers."""

import json

import numpy as np
import plotly.graph_objects as go
import pytest

from ergoscope_ui.curve import Curve, from_points
from ergoscope_ui.figures.canvas import Frame
from ergoscope_ui.figures.heatmap import (
    Grid,
    Told,
    against_median,
    diverging,
    from_median,
    grid,
    largest,
    rising,
    thinned,
)
from ergoscope_ui.theme import LIGHT

FRAME = Frame(LIGHT, "", first=0, last=100)


def _curve(steps: list[int], values: list[float]) -> Curve:
    return from_points("r", "m", steps, values)


def test_the_maximum_of_a_column_is_kept() -> None:
    values = [1.0] * 100
    values[57] = 1e6

    found = grid({"a": _curve(list(range(100)), values)}, columns=10, first=0, last=99)

    assert found.values.tolist() == [[1, 1, 1, 1, 1, 1e6, 1, 1, 1, 1]]
    assert found.step_width == 10


def test_between_two_measurements_the_older_holds_and_the_newest_until_the_next_is_due() -> None:
    found = grid({"a": _curve([20, 50], [1.0, 2.0])}, columns=10, first=0, last=99)

    assert np.isnan(found.values[0, :2]).all() and np.isnan(found.values[0, 8:]).all()
    assert found.values[0, 2:8].tolist() == [1, 1, 1, 2, 2, 2]


def test_a_gap_much_longer_than_usual_stays_a_gap() -> None:
    steps = [0, 10, 20, 30, 80, 90]

    found = grid({"a": _curve(steps, [1.0] * 6)}, columns=10, first=0, last=99)

    assert np.isfinite(found.values[0]).tolist() == [True] * 4 + [False] * 4 + [True] * 2


def test_where_measurements_grew_rare_the_older_ones_hold_all_the_same() -> None:
    steps = [*range(0, 60, 10), 60, 100, 140, 180]

    found = grid({"a": _curve(steps, [1.0] * len(steps))}, columns=19, first=0, last=189)

    assert np.isfinite(found.values[0]).all()


def test_a_stretch_fills_the_columns_it_spans() -> None:
    whole = _curve([0], [3.0])
    curve = Curve(
        run="r",
        metric="m",
        first=np.array([0]),
        last=np.array([49]),
        low=whole.low,
        high=whole.high,
        mean=whole.mean,
        final=whole.final,
        count=np.array([50]),
        nonfinite=np.array([0]),
        exact=False,
    )

    found = grid({"a": curve}, columns=10, first=0, last=99)

    assert found.values[0, :5].tolist() == [3.0] * 5
    assert np.isnan(found.values[0, 5:]).all()


def test_there_are_no_more_columns_than_steps() -> None:
    assert grid({"a": _curve([1, 2, 3], [1.0, 2.0, 3.0])}, columns=190, first=1, last=3).values.shape == (1, 3)


def test_rows_are_decades_from_their_own_median() -> None:
    made = Grid(("a", "b"), np.arange(4.0), np.array([[1.0, 10.0, 100.0], [0.0, np.nan, -1.0]]))

    found = against_median(made).values

    assert found[0].tolist() == pytest.approx([-1, 0, 1])
    assert np.isnan(found[1]).all()


def test_rows_on_both_sides_of_zero_are_held_against_their_median_as_they_are() -> None:
    made = Grid(("a", "b"), np.arange(4.0), np.array([[-1.0, 0.5, 3.0], [np.nan, np.nan, np.nan]]))

    found = from_median(made).values

    assert found[0].tolist() == pytest.approx([-1.5, 0, 2.5])
    assert np.isnan(found[1]).all()


def test_pointing_at_a_cell_tells_the_value_as_measured_with_its_unit() -> None:
    made = Grid(("a",), np.arange(3.0), np.array([[1.0, 10.0]]))
    told = Told(made.values, "loss/weight", colour="log10 against the median")

    trace = diverging(against_median(made), FRAME, title="", height=300, told=told)["data"][0]

    assert trace["customdata"] == [[1.0, 10.0]]
    assert "%{customdata:.3~g} loss/weight<br>log10 against the median %{z:+.2f}" in trace["hovertemplate"]


def test_a_scale_of_small_numbers_ends_at_their_size() -> None:
    assert largest(Grid(("a",), np.arange(3.0), np.array([[1e-5, -3e-5]])), least=1e-12) == pytest.approx(
        3e-5, rel=0.01
    )
    assert largest(Grid(("a",), np.arange(2.0), np.array([[np.nan]])), least=1e-12) == 1.0


def test_names_from_users_cannot_be_markup_and_all_are_named_when_there_is_room() -> None:
    made = Grid(("<b>x</b>", "y" * 60), np.arange(3.0), np.array([[0.1, np.nan], [0.2, -0.3]]))

    figure = diverging(made, FRAME, title="", height=300)

    assert figure["layout"]["yaxis"]["ticktext"][0] == "&lt;b&gt;x&lt;/b&gt;"
    assert len(figure["layout"]["yaxis"]["ticktext"][1]) == 26
    assert figure["data"][0]["y"] == ["&lt;b&gt;x&lt;/b&gt;", "y" * 60]
    assert figure["layout"]["meta"]["rows"] == ["<b>x</b>", "y" * 60]
    json.dumps(figure, allow_nan=False)
    go.Figure(figure)


def test_the_scale_is_symmetric_about_the_median() -> None:
    made = Grid(("a",), np.arange(4.0), np.array([[-2.0, 0.0, 1.0]]))

    trace = diverging(made, FRAME, title="", height=300)["data"][0]

    assert trace["zmin"] == -trace["zmax"]
    go.Figure(rising(made, FRAME, colour="#c23b3b", limit=3.5, title="bands", height=200))


def test_a_thousand_rows_name_every_nth() -> None:
    shown = thinned(1000, height=300)

    assert len(shown) <= 300 // 13
    assert list(thinned(3, height=300)) == [0, 1, 2]
