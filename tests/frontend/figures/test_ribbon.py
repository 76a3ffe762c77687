"""The ribbon and the sparkline."""

from urllib.parse import unquote

import pytest

from ergoscope_contract.answers import Mark, Spell
from ergoscope_ui.curve import from_points
from ergoscope_ui.figures.ribbon import signs, stretches
from ergoscope_ui.figures.sparkline import HEIGHT, WIDTH, mask, outline


def test_stretches_cover_the_whole_life() -> None:
    spells = [Spell("WARMUP", 0, 99), Spell("DESCENDING", 100, 599), Spell("DIVERGING", 600, 1000)]

    found = stretches(spells, end=1000)

    assert [(s.role, s.left, s.width) for s in found] == [("warm", 0, 10), ("descend", 10, 50), ("diverge", 60, 40)]
    assert sum(s.width for s in found) == pytest.approx(100)


def test_a_run_without_spells_has_an_empty_ribbon() -> None:
    assert stretches([], end=0) == []


def test_words_that_would_run_into_one_another_fall_back_to_signs() -> None:
    marks = [Mark(step, "note", "x") for step in (100, 120, 500, 990)]

    found = signs(marks, end=1000)

    assert [(sign.left, sign.worded) for sign in found] == [(10, False), (12, True), (50, True), (99, False)]


def test_marks_outside_the_run_are_left_out() -> None:
    assert signs([Mark(2000, "note", "x")], end=1000) == []


def test_a_sparkline_runs_from_corner_to_corner_of_its_box() -> None:
    points = outline(from_points("r", "loss", [0, 50, 100], [1.0, 0.5, 0.0]))

    assert points == [(1.0, 3.0), (55.0, 13.0), (109.0, 23.0)]
    assert WIDTH == 110 and HEIGHT == 26


def test_a_sparkline_bridges_what_is_not_finite() -> None:
    points = outline(from_points("r", "loss", [0, 1, 2], [1.0, float("nan"), 0.0]))

    assert len(points) == 2
    assert "polyline" in unquote(mask(from_points("r", "loss", [0, 1], [1.0, 0.0])))


def test_one_point_is_no_line() -> None:
    assert mask(from_points("r", "loss", [1], [1.0])) == ""
    assert mask(None) == ""
