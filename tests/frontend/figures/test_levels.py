"""Lines that a curve is held against."""

import pytest

from ergoscope_ui.curve import from_points
from ergoscope_ui.figures import band
from ergoscope_ui.figures.canvas import Frame, empty
from ergoscope_ui.figures.levels import Level, beside, hold
from ergoscope_ui.theme import LIGHT

FRAME = Frame(LIGHT, "", first=0, last=10)
CURVE = from_points("r", "trust_ratio", [1, 2, 3], [0.9, 0.2, 0.6])
NAMED = (Level(1.0, "1: as promised"), Level(0.5, "½: best"), Level(0.0, "0: edge", edge=True))


def _drawn(*levels: Level) -> dict[str, object]:
    figure = hold(band.chart(CURVE, FRAME, name="x", holds=(0.0, 1.0)), levels, LIGHT)
    layout = figure["layout"]
    assert isinstance(layout, dict)
    return layout


def test_each_level_is_a_line_with_its_name_and_only_the_edge_is_orange() -> None:
    layout = _drawn(*NAMED)

    assert [(line["y0"], line["line"]["color"]) for line in layout["shapes"]] == [
        (1.0, LIGHT.faint),
        (0.5, LIGHT.faint),
        (0.0, LIGHT.edge),
    ]
    assert [(note["text"], note["font"]["color"]) for note in layout["annotations"]] == [
        ("1: as promised", LIGHT.soft),
        ("½: best", LIGHT.soft),
        ("0: edge", LIGHT.edge_ink),
    ]


def test_names_that_would_stand_on_each_other_are_left_out_and_their_lines_stay() -> None:
    layout = _drawn(Level(0.52, "first"), Level(0.5, "second"))

    assert len(layout["shapes"]) == 2
    assert [note["text"] for note in layout["annotations"]] == ["first"]


def test_an_empty_chart_gets_no_lines() -> None:
    blank = empty(FRAME, "nothing yet")

    assert hold(blank, NAMED, LIGHT) is blank
    assert beside(blank, CURVE, "chance", LIGHT) is blank


def test_a_level_that_changes_is_a_stepped_line_named_at_its_end() -> None:
    chance = from_points("r", "chance", [1, 3], [0.1, 0.3])

    figure = beside(band.chart(CURVE, FRAME, name="x"), chance, "chance, k = 5", LIGHT)

    trace, note = figure["data"][-1], figure["layout"]["annotations"][-1]
    assert (trace["y"], trace["line"]["shape"]) == ([0.1, 0.3], "hv")
    assert (note["text"], note["y"]) == ("chance, k = 5", pytest.approx(0.3))


def test_the_axis_reaches_to_a_level_that_is_above_the_curve() -> None:
    above = from_points("r", "threshold", [1, 3], [8.0, 10.0])

    figure = beside(band.chart(CURVE, FRAME, name="x", holds=(0.0,)), above, "threshold", LIGHT)

    low, high = figure["layout"]["yaxis"]["range"]
    assert (low, high) == (0.0, 11.0)


def test_a_name_that_is_markup_stays_text() -> None:
    figure = beside(band.chart(CURVE, FRAME, name="x"), CURVE, "<b>x</b>", LIGHT)

    assert figure["layout"]["annotations"][-1]["text"] == "&lt;b&gt;x&lt;/b&gt;"
