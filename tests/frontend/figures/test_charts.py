"""Charts of curves: known data, known traces; and plotly takes them."""

import json

import numpy as np
import plotly.graph_objects as go
import pytest

from ergoscope_contract.answers import Mark
from ergoscope_ui.curve import Curve, from_answer, from_points
from ergoscope_ui.figures import band
from ergoscope_ui.figures.canvas import Frame, empty
from ergoscope_ui.figures.comparison import Strand, overlay
from ergoscope_ui.theme import DARK, LIGHT


def _frame(**more: object) -> Frame:
    return Frame(LIGHT, "loss", first=0, last=10, **more)  # type: ignore[arg-type]  # a test's own fields


def _buckets(high: list[float]) -> Curve:
    count = len(high)
    return from_answer(
        "r",
        40,
        {
            "metric": "loss",
            "points": 4 * count,
            "buckets": {
                "first": list(range(1, 4 * count, 4)),
                "last": list(range(4, 4 * count + 1, 4)),
                "low": [0.5] * count,
                "high": high,
                "mean": [1.0] * count,
                "final": [1.0] * count,
                "count": [4] * count,
                "nonfinite": [0] * count,
            },
        },
    )


def test_a_chart_shows_mean_and_band_divided_by_the_scale() -> None:
    figure = band.chart(_buckets([1.5, 2.0]), _frame(), name="loss", scale=2.0)

    high, low, line, holes = figure["data"]
    assert line["x"] == [4, 8] and line["y"] == [0.5, 0.5]
    assert high["y"] == [0.75, 1.0] and low["y"] == [0.25, 0.25]
    assert holes["x"] == []


def test_the_largest_of_a_million_is_in_the_band_and_named_when_it_is_off_the_chart() -> None:
    high = [1.1] * 500
    high[250] = 1e6

    figure = band.chart(_buckets(high), _frame(), name="loss")

    assert max(figure["data"][0]["y"]) == 1e6
    assert figure["layout"]["yaxis"]["range"][1] < 3
    assert "1,000,000 at step 1,004, above the chart" in figure["layout"]["annotations"][-1]["text"]


def test_what_is_not_finite_is_a_gap_and_a_cross() -> None:
    curve = from_points("r", "loss", [1, 2, 3], [1.0, float("nan"), 2.0])

    figure = band.chart(curve, _frame(), name="loss")

    assert figure["data"][2]["y"] == [1.0, None, 2.0]
    assert figure["data"][3]["x"] == [2]
    json.dumps(figure, allow_nan=False)


def test_a_growing_chart_says_where_the_stream_goes_on() -> None:
    figure = band.chart(_buckets([1.5, 2.0]), _frame(open_end=True), name="loss", scale=2.0)

    assert figure["layout"]["meta"]["grows"] == [
        {
            "run": "r",
            "metric": "loss",
            "cursor": 40,
            "width": 4,
            "scale": 2.0,
            "open": [5, 4, 1.0],
            "line": 2,
            "band": 0,
            "holes": 3,
        }
    ]


def test_a_chart_of_an_ended_run_does_not_grow() -> None:
    assert band.chart(_buckets([1.5]), _frame(), name="loss")["layout"]["meta"]["grows"] == []


def test_alerts_are_red_dashes_and_other_marks_are_faint_dots() -> None:
    marks = (Mark(step=3, kind="alert", text="spike"), Mark(step=5, kind="lr_change", text="lr <b>0.1</b>"))

    figure = band.chart(_buckets([1.5]), _frame(marks=marks), name="loss")

    spike, rate = figure["layout"]["shapes"]
    assert (spike["x0"], spike["line"]["dash"], spike["line"]["color"]) == (3, "dash", LIGHT.diverge)
    assert (rate["x0"], rate["line"]["dash"], rate["line"]["color"]) == (5, "dot", LIGHT.faint)
    assert figure["layout"]["annotations"][1]["hovertext"] == "lr &lt;b&gt;0.1&lt;/b&gt;, step 5"


def test_a_notice_is_no_alarm() -> None:
    figure = band.chart(_buckets([1.5]), _frame(marks=(Mark(step=3, kind="notice", text="settled"),)), name="loss")

    line, note = figure["layout"]["shapes"][0], figure["layout"]["annotations"][0]
    assert (line["line"]["dash"], line["line"]["color"], note["text"]) == ("dot", LIGHT.faint, "○")
    assert note["hovertext"] == "settled, step 3"


def test_an_absent_curve_says_so_and_waits() -> None:
    figure = band.chart(None, _frame(open_end=True), name="gradient norm")

    assert figure["layout"]["annotations"][0]["text"] == "no gradient norm yet"
    assert figure["layout"]["meta"]["waiting"]


def test_runs_are_laid_over_one_another_in_their_own_colours() -> None:
    strands = [
        Strand("<i>a</i>", from_points("a", "loss", [1, 2], [2.0, 1.0], cursor=2), "#112233", scale=2.0, grows=True),
        Strand("b", from_points("b", "loss", [1], [3.0]), "#445566", dash="dash"),
        Strand("empty", from_points("c", "loss", [], []), "#778899"),
    ]

    figure = overlay(strands, _frame(open_end=True), absent="nothing")

    first, second = figure["data"]
    assert (first["name"], first["y"], first["line"]["color"]) == ("&lt;i&gt;a&lt;/i&gt;", [1.0, 0.5], "#112233")
    assert (second["y"], second["line"]["dash"]) == ([3.0], "dash")
    assert [(grows["run"], grows["line"], grows["band"]) for grows in figure["layout"]["meta"]["grows"]] == [
        ("a", 0, None)
    ]


def test_an_overlay_of_nothing_says_so() -> None:
    assert overlay([], _frame(), absent="no values yet")["layout"]["annotations"][0]["text"] == "no values yet"


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_plotly_takes_every_figure(palette) -> None:  # type: ignore[no-untyped-def]  # a Palette
    frame = Frame(palette, "loss", first=0, last=10, marks=(Mark(step=3, kind="alert", text="x"),))
    curve = _buckets(list(np.linspace(1, 2, 40)))

    go.Figure(band.level(band.chart(curve, frame, name="loss"), value=1.0, first=1, last=9, colour="#123456", name="m"))
    go.Figure(overlay([Strand("a", curve, "#112233")], frame, absent=""))
    go.Figure(empty(frame, "nothing"))


@pytest.mark.parametrize(("size", "mode"), [(1, "lines+markers"), (60, "lines+markers"), (61, "lines")])
def test_few_measurements_are_points_since_one_alone_is_no_line(size: int, mode: str) -> None:
    curve = from_points("r", "loss", list(range(size)), [1.0] * size)

    assert band.chart(curve, _frame(), name="loss")["data"][2]["mode"] == mode


def test_stretches_are_a_line_however_few() -> None:
    assert band.chart(_buckets([1.5, 1.5]), _frame(), name="loss")["data"][2]["mode"] == "lines"


def test_a_reason_in_the_place_of_a_chart_fits_a_phone() -> None:
    told = empty(_frame(), "absent, because <no> value has come from this run at all")["layout"]["annotations"][0]

    assert told["text"] == "absent, because &lt;no&gt; value has come from<br>this run at all"
