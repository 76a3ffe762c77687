"""Charts as SVG: where numbers land, and what a document says."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from docs.chart import BOTTOM, HEIGHT, LEFT, MOST, RIGHT, TOP, WIDTH, Line, Panel, drawing, parted, thinned, ticks

SVG = "{http://www.w3.org/2000/svg}"


def _paths(panel: Panel) -> list[ET.Element]:
    return list(ET.fromstring(drawing([[panel]], about="a & b")).iter(f"{SVG}path"))


def test_a_line_reaches_from_corner_to_corner_of_its_panel() -> None:
    line = Line(np.array([0.0, 10.0]), np.array([0.0, 1.0]))

    drawn = _paths(Panel("rise", [line]))[-1].get("d")

    tall, margin = HEIGHT - TOP - BOTTOM, 0.04 / 1.08
    low, high = HEIGHT - BOTTOM - tall * margin, TOP + tall * margin
    assert drawn == f"M{LEFT:.1f} {low:.1f}L{WIDTH - RIGHT:.1f} {high:.1f}"


def test_what_is_not_finite_leaves_a_gap() -> None:
    line = Line(np.arange(4.0), np.array([1.0, np.nan, 2.0, 3.0]))

    drawn = _paths(Panel("gap", [line]))[-1].get("d") or ""

    assert drawn.count("M") == 2
    assert drawn.count("L") == 1


def test_a_document_says_in_words_what_it_shows_and_escapes_them() -> None:
    text = drawing([[Panel("x < y", [Line(np.arange(3.0), np.arange(3.0))])]], about="a & b")

    root = ET.fromstring(text)
    assert root.findtext(f"{SVG}desc") == "a & b"
    assert "x &lt; y" in text


def test_states_marks_and_a_level_are_drawn() -> None:
    panel = Panel("states", [Line(np.arange(11.0), np.ones(11))], marks=[5.0], level=1.0, states=[("EDGE", 0.0, 5.0)])

    root = ET.fromstring(drawing([[panel]], about=""))

    strip = next(rect for rect in root.iter(f"{SVG}rect") if rect.findtext(f"{SVG}title") == "EDGE")
    assert float(strip.get("width", 0)) == pytest.approx((WIDTH - LEFT - RIGHT) / 2, abs=0.1)
    assert [path.get("stroke-dasharray") for path in root.iter(f"{SVG}path") if path.get("stroke-dasharray")] == [
        "2 3",
        "5 3",
    ]


def test_a_span_is_shown_though_the_line_is_shorter() -> None:
    line = Line(np.array([5.0, 10.0]), np.array([0.0, 1.0]))

    drawn = _paths(Panel("late", [line], span=(0.0, 10.0)))[-1].get("d") or ""

    assert drawn.startswith(f"M{LEFT + (WIDTH - LEFT - RIGHT) / 2:.1f} ")


def test_a_long_series_is_thinned_to_medians_between_its_extremes() -> None:
    x = np.arange(1200.0)

    line = thinned(x, x % 10)

    assert len(line.x) == MOST
    assert line.low is not None
    assert line.high is not None
    assert (line.y[0], line.low[0], line.high[0]) == (4.5, 0.0, 9.0)


def test_a_short_series_is_drawn_as_it_is() -> None:
    x = np.arange(5.0)

    line = thinned(x, x)

    assert line.low is None
    assert np.array_equal(line.y, x)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 1.0, [0.0, 0.25, 0.5, 0.75, 1.0]),
        (-3.0, 17.0, [0.0, 5.0, 10.0, 15.0]),
        (2.0, 2.0, [2.0]),
        (1e-5, 5e-5, [1e-5, 2e-5, 3e-5, 4e-5, 5e-5]),
    ],
)
def test_ticks_are_round_numbers(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(expected)


def test_a_line_is_cut_where_something_begins_anew() -> None:
    line = Line(np.arange(6.0), np.arange(6.0), np.zeros(6), np.ones(6))

    pieces = parted(line, [2.5, 9.0])

    assert [piece.x.tolist() for piece in pieces] == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert all(len(piece.low) == len(piece.high) == 3 for piece in pieces)
