"""Which charts of the curvature there are, and what they are drawn from."""

from collections.abc import Sequence

import pytest

from ergoscope_contract.answers import RunSummary, Verdict
from ergoscope_contract.records import Event
from ergoscope_ui.cadence import news
from ergoscope_ui.curve import Curve, from_points
from ergoscope_ui.dossier import Dossier
from ergoscope_ui.extent import Extent
from ergoscope_ui.pages import curvature_charts as charts
from ergoscope_ui.panels import measures
from ergoscope_ui.spectrum import Spectrum, read_spectrum
from ergoscope_ui.theme import LIGHT
from tests.frontend.text import text_of

STEPS = [100, 200, 300]
WAY = "exact, on the fixed batch; 3 products"
HOW = Event("agent", 1.0, 9, f"curvature is {WAY}", {"quantities": ["lambda_max", "hess_trace"], "how": WAY})


def series(**values: list[float]) -> dict[str, Curve]:
    return {name: from_points("r", name, STEPS[: len(some)], some) for name, some in values.items()}


def about(curves: dict[str, Curve], *, last: int = 310, end: int = 400, events: Sequence[Event] = (HOW,)) -> Dossier:
    summary = RunSummary("r", "p", "n", "running", 0.0, 0.0, last_step=last)
    return Dossier(summary, Verdict("r", last), news(events), curves, Extent(0, end, open_end=True), LIGHT)


def there(drawn: charts.Drawn | None) -> charts.Drawn:
    assert drawn is not None
    return drawn


def spectrum(step: int) -> Spectrum:
    told = {"step": step, "nodes": [-1.0, 0.0, 1.0, 50.0], "weights": [1.0] * 4, "how": "exact, on the fixed batch"}
    found = read_spectrum(told)
    assert found is not None
    return found


def test_the_band_of_the_ratio_is_the_residual_in_its_unit() -> None:
    found = series(sharpness_ratio=[0.5, 1.0, 1.0], lambda_max=[100.0, 200.0], lambda_max_residual=[10.0, 10.0, 10.0])

    drawn = there(charts.sharpness(about(found)))

    high, low = (trace["y"] for trace in drawn.figure["data"][:2])
    assert high == pytest.approx([0.55, 1.05, 1.0]) and low == pytest.approx([0.45, 0.95, 1.0])
    assert "edge" in [shape["name"] for shape in drawn.figure["layout"]["shapes"]]
    assert text_of(drawn.foot).endswith("band ± residual step 300, 10 steps ago")


def test_without_a_threshold_there_is_no_edge() -> None:
    found = series(lambda_max=[1.0, 2.0, 3.0], lambda_max_residual=[0.5, 0.5, 0.5])

    drawn = there(charts.sharpness(about(found)))

    assert drawn.figure["layout"]["shapes"] == []
    assert drawn.figure["data"][0]["y"] == [1.5, 2.5, 3.5]
    assert text_of(drawn.foot).startswith("exact, on the fixed batch; 3 products; every measurement, 100 steps apart")


def test_of_blocks_alone_there_is_no_chart_of_the_whole_and_the_steepest_six_have_lines() -> None:
    found = {f"lambda_max/b{i}": from_points("r", f"lambda_max/b{i}", STEPS, [1.0, 1.0, float(i)]) for i in range(8)}
    found["lambda_max_residual/b7"] = from_points("r", "lambda_max_residual/b7", STEPS, [0.1, 0.2, 0.3])

    drawn = there(charts.blocks(about(found)))

    traces = drawn.figure["data"]
    assert charts.sharpness(about(found)) is None
    assert [trace["name"] for trace in traces] == ["b7", "b6", "b5", "b4", "b3", "b2"]
    assert traces[0]["error_y"]["array"] == [0.1, 0.2, 0.3]
    assert "and 2 more" in text_of(drawn.words) and "b1" not in text_of(drawn.words)


def test_a_block_keeps_its_colour_when_another_becomes_steeper() -> None:
    def colour(values: dict[str, float]) -> dict[str, str]:
        found = {f"lambda_max/{name}": from_points("r", "x", [1], [value]) for name, value in values.items()}
        return {t["name"]: t["line"]["color"] for t in there(charts.blocks(about(found))).figure["data"]}

    assert colour({"a": 1.0, "b": 2.0}) == colour({"a": 2.0, "b": 1.0})


def test_without_blocks_their_card_is_away_and_without_anything_the_others_say_what_to_write() -> None:
    nothing = about({}, events=())

    notes = [
        there(drawn).figure["layout"]["annotations"][0]["text"]
        for drawn in (charts.sharpness(nothing), charts.trace(nothing, ""))
    ]

    assert charts.blocks(nothing) is None
    assert all('curvature="model")' in note.replace("<br>", " ") for note in notes)


def test_the_trace_of_a_block_has_its_own_error() -> None:
    found = {
        "hess_trace/fc": from_points("r", "hess_trace/fc", STEPS, [4.0, 5.0, 6.0]),
        "hess_trace_error/fc": from_points("r", "hess_trace_error/fc", STEPS, [1.0, 1.0, 1.0]),
    }

    drawn = charts.trace(about(found), "/fc")

    assert drawn.figure["data"][0]["y"] == [5.0, 6.0, 7.0]
    assert "band ± standard error" in text_of(drawn.foot)


def test_a_chart_is_stale_by_its_own_readings_but_not_for_being_held_to_earlier_steps() -> None:
    found = series(hess_trace=[4.0, 5.0, 6.0])

    assert "Stale: the newest is 700 steps old" in text_of(charts.trace(about(found, last=1_000, end=1_000), "").words)
    assert "Stale" not in text_of(charts.trace(about(found, last=1_000, end=310), "").words)


def test_the_spectrum_has_its_outliers_and_says_how_it_was_obtained() -> None:
    found = series(outlier_count=[1.0, float("nan"), 1.0])

    drawn = charts.spectrum(about(found), "", [spectrum(step) for step in STEPS])

    assert drawn.figure["data"][1]["y"] == [100, 300]
    assert text_of(drawn.foot) == "exact, on the fixed batch; every measurement, 100 steps apart step 300, 10 steps ago"
    assert "beyond the bulk" in text_of(drawn.words)


def test_without_a_spectrum_it_says_so() -> None:
    assert "no histogram of curvatures" in charts.spectrum(about({}), "", []).figure["layout"]["annotations"][0]["text"]


def test_a_measure_has_its_error_its_levels_how_it_was_obtained_and_its_age() -> None:
    found = series(descent_balance=[0.2, 0.5, 0.8], descent_balance_error=[0.1, 0.1, 0.2])

    drawn = there(charts.measure(about(found), measures.ALL["descent_balance"], ""))

    high, low = (trace["y"] for trace in drawn.figure["data"][:2])
    assert high == pytest.approx([0.3, 0.6, 1.0]) and low == pytest.approx([0.1, 0.4, 0.6])
    assert [shape["y0"] for shape in drawn.figure["layout"]["shapes"]] == [1.0]
    assert text_of(drawn.foot) == (
        "on the fixed batch, before and after steps; every measurement, 100 steps apart; band ± standard error "
        "step 300, 10 steps ago"
    )


def test_the_share_of_the_gradient_of_a_block_is_over_chance_of_the_block() -> None:
    values = {"top_subspace_overlap": 0.8, "top_subspace_chance": 0.01, "top_subspace_size": 3.0}
    found = {f"{key}/fc": from_points("r", key, STEPS, [value] * 3) for key, value in values.items()}

    drawn = there(charts.measure(about(found), measures.ALL["top_subspace_overlap"], "/fc"))

    assert drawn.figure["data"][-1]["name"] == "chance, k = 3"
    assert drawn.figure["data"][-1]["y"] == [0.01] * 3
    assert charts.measure(about(found), measures.ALL["top_subspace_overlap"], "") is None


def test_what_is_of_steps_is_the_whole_models_beside_any_block() -> None:
    found = series(trust_ratio=[0.9, 0.8, 0.7])

    assert charts.measure(about(found), measures.ALL["trust_ratio"], "/fc") is not None


def test_what_counts_as_measured() -> None:
    assert charts.measured(["loss", "lambda_max/fc"]) and charts.measured(["hess_trace"])
    assert not charts.measured(["loss", "grad_norm/fc"])
    assert charts.parts_of(["hess_trace/b", "outlier_count/a", "lambda_max/c"]) == ["a", "b"]
