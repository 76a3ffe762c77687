"""The sharpness over its threshold."""

import plotly.graph_objects as go
import pytest

from ergoscope_contract.answers import Mark
from ergoscope_ui.curve import from_points
from ergoscope_ui.figures.canvas import Frame
from ergoscope_ui.figures.threshold import chart
from ergoscope_ui.theme import DARK, LIGHT, Palette

CURVE = from_points("r", "sharpness_ratio", [1, 2, 3], [0.2, 0.3, 0.4])
FRAME = Frame(LIGHT, "λ₁/threshold", first=0, last=10, marks=(Mark(step=3, kind="lr", text="lr"),))


def test_the_threshold_is_in_sight_however_far_away_the_curve_is() -> None:
    low, high = chart(CURVE, FRAME, name="sharpness")["layout"]["yaxis"]["range"]

    assert low == 0 and high >= 1.2


def test_a_curve_above_it_has_its_place_too() -> None:
    above = from_points("r", "sharpness_ratio", [1, 2, 3], [1.4, 1.5, 1.6])

    assert chart(above, FRAME, name="sharpness")["layout"]["yaxis"]["range"][1] >= 1.6


def test_the_line_lies_at_one_and_the_band_around_it_under_the_curve() -> None:
    band, line, mark = chart(CURVE, FRAME, name="sharpness")["layout"]["shapes"]

    assert (band["y0"], band["y1"], band["layer"]) == (0.8, 1.1, "below")
    assert (line["y0"], line["y1"], line["name"]) == (1, 1, "threshold")
    assert mark["name"] == "lr"


def test_without_a_curve_there_is_no_threshold() -> None:
    figure = chart(None, FRAME, name="sharpness")

    assert figure["layout"]["annotations"][0]["text"] == "no sharpness yet"
    assert [shape["name"] for shape in figure["layout"]["shapes"]] == ["lr"]


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_plotly_takes_it(palette: Palette) -> None:
    go.Figure(chart(CURVE, Frame(palette, "", first=0, last=3), name="sharpness"))
