"""Which charts of the curvature there are, and what they are drawn from."""

import pytest

from ergoscope_contract.answers import RunSummary, Verdict
from ergoscope_contract.records import Event
from ergoscope_ui.cadence import news
from ergoscope_ui.curve import Curve, from_points
from ergoscope_ui.extent import Extent
from ergoscope_ui.pages import curvature_charts as charts
from ergoscope_ui.spectrum import Spectrum, read_spectrum
from ergoscope_ui.theme import LIGHT
from tests.frontend.text import text_of

STEPS = [100, 200, 300]
HOW = Event(
    "agent", 1.0, 9, "curvature is exact, on the fixed batch; 3 products", {"quantities": ["lambda_max", "hess_trace"]}
)


def series(**values: list[float]) -> dict[str, Curve]:
    return {name: from_points("r", name, STEPS[: len(some)], some) for name, some in values.items()}


def material(curves: dict[str, Curve], *, last: int = 310, part: str = "", end: int = 400) -> charts.Material:
    summary = RunSummary("r", "p", "n", "running", 0.0, 0.0, last_step=last)
    return charts.Material(
        summary, Verdict("r", last), news([HOW]), curves, Extent(0, end, open_end=True), LIGHT, part=part
    )


def spectrum(step: int) -> Spectrum:
    told = {"step": step, "nodes": [-1.0, 0.0, 1.0, 50.0], "weights": [1.0] * 4, "how": "exact, on the fixed batch"}
    found = read_spectrum(told)
    assert found is not None
    return found


def test_the_band_of_the_ratio_is_the_residual_in_its_unit() -> None:
    found = series(sharpness_ratio=[0.5, 1.0, 1.0], lambda_max=[100.0, 200.0], lambda_max_residual=[10.0, 10.0, 10.0])

    drawn = charts.sharpness(material(found))

    high, low = (trace["y"] for trace in drawn.figure["data"][:2])
    assert high == pytest.approx([0.55, 1.05, 1.0]) and low == pytest.approx([0.45, 0.95, 1.0])
    assert "edge" in [shape["name"] for shape in drawn.figure["layout"]["shapes"]]
    assert text_of(drawn.foot).endswith("band ± residual step 300, 10 steps ago")


def test_without_a_threshold_there_is_no_edge() -> None:
    drawn = charts.sharpness(material(series(lambda_max=[1.0, 2.0, 3.0], lambda_max_residual=[0.5, 0.5, 0.5])))

    assert drawn.figure["layout"]["shapes"] == []
    assert drawn.figure["data"][0]["y"] == [1.5, 2.5, 3.5]
    assert text_of(drawn.foot).startswith("exact, on the fixed batch; 3 products; every measurement, 100 steps apart")


def test_of_blocks_alone_there_is_no_chart_of_the_whole_and_the_steepest_six_have_lines() -> None:
    found = {f"lambda_max/b{i}": from_points("r", f"lambda_max/b{i}", STEPS, [1.0, 1.0, float(i)]) for i in range(8)}
    found["lambda_max_residual/b7"] = from_points("r", "lambda_max_residual/b7", STEPS, [0.1, 0.2, 0.3])

    drawn = charts.blocks(material(found))

    traces = drawn.figure["data"]
    assert not charts.sharpness(material(found)).there
    assert [trace["name"] for trace in traces] == ["b7", "b6", "b5", "b4", "b3", "b2"]
    assert traces[0]["error_y"]["array"] == [0.1, 0.2, 0.3]
    assert "and 2 more" in text_of(drawn.words) and "b1" not in text_of(drawn.words)


def test_a_block_keeps_its_colour_when_another_becomes_steeper() -> None:
    def colour(values: dict[str, float]) -> dict[str, str]:
        found = {f"lambda_max/{name}": from_points("r", "x", [1], [value]) for name, value in values.items()}
        return {t["name"]: t["line"]["color"] for t in charts.blocks(material(found)).figure["data"]}

    assert colour({"a": 1.0, "b": 2.0}) == colour({"a": 2.0, "b": 1.0})


def test_without_blocks_their_card_is_away_and_without_anything_the_others_say_what_to_write() -> None:
    nothing = material({})

    notes = [
        drawn.figure["layout"]["annotations"][0]["text"] for drawn in (charts.sharpness(nothing), charts.trace(nothing))
    ]

    assert not charts.blocks(nothing).there
    assert charts.sharpness(nothing).there
    assert all('curvature="model")' in note.replace("<br>", " ") for note in notes)


def test_the_trace_of_a_block_has_its_own_error() -> None:
    found = {
        "hess_trace/fc": from_points("r", "hess_trace/fc", STEPS, [4.0, 5.0, 6.0]),
        "hess_trace_error/fc": from_points("r", "hess_trace_error/fc", STEPS, [1.0, 1.0, 1.0]),
    }

    drawn = charts.trace(material(found, part="/fc"))

    assert drawn.figure["data"][0]["y"] == [5.0, 6.0, 7.0]
    assert "band ± standard error" in text_of(drawn.foot)


def test_a_chart_is_stale_by_its_own_readings_but_not_for_being_held_to_earlier_steps() -> None:
    found = series(hess_trace=[4.0, 5.0, 6.0])

    assert "Stale: the newest is 700 steps old" in text_of(charts.trace(material(found, last=1_000, end=1_000)).words)
    assert "Stale" not in text_of(charts.trace(material(found, last=1_000, end=310)).words)


def test_the_spectrum_has_its_outliers_and_says_how_it_was_obtained() -> None:
    found = series(outlier_count=[1.0, float("nan"), 1.0])

    drawn = charts.spectrum(material(found), [spectrum(step) for step in STEPS])

    assert drawn.figure["data"][1]["y"] == [100, 300]
    assert text_of(drawn.foot) == "exact, on the fixed batch; every measurement, 100 steps apart step 300, 10 steps ago"
    assert "beyond the bulk" in text_of(drawn.words)


def test_without_a_spectrum_it_says_so() -> None:
    assert "no histogram of curvatures" in charts.spectrum(material({}), []).figure["layout"]["annotations"][0]["text"]


def test_what_counts_as_measured() -> None:
    assert charts.measured(["loss", "lambda_max/fc"]) and charts.measured(["hess_trace"])
    assert not charts.measured(["loss", "grad_norm/fc"])
    assert charts.parts_of(["hess_trace/b", "outlier_count/a", "lambda_max/c"]) == ["a", "b"]
