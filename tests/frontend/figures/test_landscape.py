"""Slices of the loss as figures: the line with its parabola, the plane with contours."""

import msgspec
import numpy as np
import plotly.graph_objects as go
import pytest

from ergoscope_contract.answers import Landscape
from ergoscope_ui.figures.landscape import line, plane
from ergoscope_ui.theme import DARK, LIGHT, Palette
from tests.frontend import fake_slices


def _told(landscape: dict[str, object], **fields: object) -> Landscape:
    return msgspec.convert(landscape | fields, Landscape, strict=False)


def _by_name(figure: dict) -> dict[str, dict]:
    return {trace["name"]: trace for trace in figure["data"] if "name" in trace}


def test_offsets_are_drawn_as_distances_in_weight_norm() -> None:
    figure = line(_told(fake_slices.line(), scales=[0.2]), LIGHT)

    assert _by_name(figure)["measured"]["x"][-1] == pytest.approx(0.1)
    assert figure["layout"]["xaxis"]["title"]["text"] == "steepest direction<br>distance in weight norm"


def test_the_axis_on_top_counts_last_updates_over_the_same_stretch() -> None:
    ground = line(_told(fake_slices.line(), update=0.05), LIGHT)["layout"]

    below, above = ground["xaxis"]["range"], ground["xaxis2"]["range"]
    assert above == [end / 0.05 for end in below]
    assert next((s["x0"], s["x1"]) for s in ground["shapes"] if s["name"] == "update") == (-0.05, 0.05)


def test_without_an_update_there_is_neither_axis_nor_band() -> None:
    ground = line(_told(fake_slices.line(), update=None), LIGHT)["layout"]

    assert "xaxis2" not in ground
    assert [shape["name"] for shape in ground["shapes"]] == ["weights"]


def test_the_parabola_is_dashed_beside_both_modes_and_absent_when_it_is_not_known() -> None:
    traces = _by_name(line(_told(fake_slices.line()), LIGHT))
    bare = _by_name(line(_told(fake_slices.line(running=False), predicted=[]), LIGHT))

    assert {name: trace["line"]["dash"] for name, trace in traces.items()} == {
        "measured": "solid",
        "running statistics": "dot",
        "parabola": "dash",
    }
    assert list(bare) == ["measured"]


def test_what_is_not_measured_yet_is_a_gap() -> None:
    measured = _by_name(line(_told(fake_slices.line(rows=8)), LIGHT))["measured"]["y"]

    assert measured[8:] == [None] * 13 and None not in measured[:8]


def test_a_parabola_far_above_the_loss_does_not_flatten_it() -> None:
    steep = (1e4 * np.linspace(-1, 1, 21) ** 2).tolist()

    low, high = line(_told(fake_slices.line(), predicted=steep), LIGHT)["layout"]["yaxis"]["range"]

    assert low <= 0.39 and 1.7 < high < 3.5


@pytest.mark.parametrize("values", [["NaN"] * 21, [2.3] * 21])
def test_a_line_without_any_difference_has_an_axis_too(values: list[object]) -> None:
    low, high = line(_told(fake_slices.line(running=False), values=values), LIGHT)["layout"]["yaxis"]["range"]

    assert low < high


def test_a_plane_has_the_first_direction_across_and_the_weights_in_its_middle() -> None:
    told = _told(fake_slices.plane())

    shades, solid, dashed, weights = plane(told, LIGHT)["data"]

    assert (shades["x"], shades["y"]) == (told.offsets[0], told.offsets[1])
    assert shades["z"][3][7] == told.values[7 * 21 + 3]
    assert solid["contours"] == dashed["contours"]
    assert (solid["line"]["dash"], dashed["name"]) == ("solid", "parabola")
    assert (weights["x"], weights["y"]) == ([0], [0])


def test_running_statistics_have_a_plane_of_their_own_without_a_parabola() -> None:
    told = _told(fake_slices.plane(running=True))

    names = [trace.get("name") for trace in plane(told, LIGHT, running=True)["data"]]

    assert names == [None, "measured", "weights"]
    assert plane(told, LIGHT, running=True)["data"][0]["z"][3][7] == told.running[7 * 21 + 3]


def test_two_planes_say_which_statistics_they_were_taken_with() -> None:
    told = _told(fake_slices.plane(running=True))

    heads = [plane(told, LIGHT, running=running)["layout"]["annotations"][0]["text"] for running in (False, True)]

    assert heads == ["batch statistics", "running statistics"]
    assert "annotations" not in plane(_told(fake_slices.plane()), LIGHT)["layout"]


@pytest.mark.parametrize("height", [0.011, 0.7, 1.0, 4.9, 5.1, 360.0])
def test_a_plane_has_a_few_contours_at_round_numbers(height: float) -> None:
    told = _told(fake_slices.plane(), values=(height * np.linspace(0, 1, 441)).tolist())

    levels = plane(told, LIGHT)["data"][1]["contours"]

    assert 2 <= round((levels["end"] - levels["start"]) / levels["size"]) + 1 <= 7


@pytest.mark.parametrize("rows", [0, 1, 20])
def test_rows_that_are_missing_are_gaps_in_the_plane(rows: int) -> None:
    z = np.array(plane(_told(fake_slices.plane(rows=rows)), LIGHT)["data"][0]["z"], dtype=float)

    assert np.isnan(z).sum() == 21 * (21 - rows)


def test_a_flat_plane_has_no_contours() -> None:
    names = [trace.get("name") for trace in plane(_told(fake_slices.plane(), values=[2.3] * 441), LIGHT)["data"]]

    assert names == [None, "weights"]


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_plotly_takes_them(palette: Palette) -> None:
    for rows in (21, 3):
        go.Figure(line(_told(fake_slices.line(rows=rows)), palette))
        go.Figure(plane(_told(fake_slices.plane(rows=rows, running=True)), palette))
