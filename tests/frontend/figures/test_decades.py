"""Values of many sizes on an axis of decades."""

import math

import pytest

from ergoscope_ui.curve import from_points
from ergoscope_ui.figures.canvas import Frame
from ergoscope_ui.figures.comparison import Strand
from ergoscope_ui.figures.decades import chart, overlay
from ergoscope_ui.figures.levels import Level
from ergoscope_ui.theme import LIGHT

FRAME = Frame(LIGHT, "γ/‖Δ‖", first=0, last=40, open_end=True)
ONE = (Level(1.0, "1: as long as a step"),)


def test_values_stand_at_their_powers_of_ten_and_are_told_as_they_are() -> None:
    figure = chart(from_points("r", "x", [10, 20], [1e-3, 50.0]), FRAME, name="x")

    trace, axis = figure["data"][0], figure["layout"]["yaxis"]
    assert trace["y"] == pytest.approx([-3.0, math.log10(50.0)])
    assert trace["customdata"] == [1e-3, 50.0]
    assert axis["range"] == [-4.0, 2.0]
    assert axis["ticktext"] == ["1e-4", "0.01", "1", "100"]


def test_an_infinite_value_stands_at_the_top_and_zero_is_left_out() -> None:
    figure = chart(from_points("r", "x", [10, 20, 30], [2.0, math.inf, 0.0]), FRAME, name="x", levels=ONE)

    line, top = figure["data"]
    assert line["y"] == [pytest.approx(math.log10(2.0)), None, None]
    assert (top["x"], top["y"]) == ([20], [figure["layout"]["yaxis"]["range"][1]])


def test_a_level_stands_at_its_power_of_ten_too() -> None:
    figure = chart(from_points("r", "x", [10], [300.0]), FRAME, name="x", levels=ONE)

    assert [line["y0"] for line in figure["layout"]["shapes"]] == [0.0]


def test_of_infinite_values_alone_the_axis_is_around_the_level() -> None:
    figure = chart(from_points("r", "x", [10], [math.inf]), FRAME, name="x", levels=ONE)

    assert figure["layout"]["yaxis"]["range"] == [-1.0, 1.0]


def test_the_stream_does_not_extend_it_and_without_values_it_says_so() -> None:
    figure = chart(from_points("r", "x", [10], [3.0]), FRAME, name="x")

    assert figure["layout"]["meta"] == {"grows": []}
    assert "no radius yet" in str(chart(None, FRAME, name="radius")["layout"])


def test_several_curves_share_an_axis_and_none_says_so() -> None:
    strands = [
        Strand("NC1", from_points("r", "nc1", [10, 20], [20.0, 0.2]), "#112233"),
        Strand("NC4", from_points("r", "nc4", [10, 20], [0.5, 0.0]), "#445566", "dash"),
        Strand("NC3", from_points("r", "nc3", [], []), "#778899"),
    ]

    figure = overlay(strands, FRAME, absent="nothing")

    assert [trace["name"] for trace in figure["data"]] == ["NC1", "NC4"]
    assert figure["data"][1]["y"] == [pytest.approx(math.log10(0.5)), None]
    assert figure["layout"]["yaxis"]["range"] == [-1.0, 2.0]
    assert overlay([], FRAME, absent="nothing")["layout"]["annotations"][0]["text"] == "nothing"
