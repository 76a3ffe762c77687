"""What the foot of a chart says."""

import pytest

from ergoscope_contract.answers import RunSummary, Verdict
from ergoscope_contract.records import Event
from ergoscope_ui.cadence import news
from ergoscope_ui.curve import Curve, from_answer, from_points
from ergoscope_ui.dossier import Dossier
from ergoscope_ui.extent import Extent
from ergoscope_ui.figures.canvas import Frame
from ergoscope_ui.pages.run_charts import chart_of, feet, figures, foot_of, resolution, stability_key
from ergoscope_ui.theme import LIGHT
from tests.frontend.text import text_of

POINTS = from_points("r", "weight_norm", [64, 128, 192], [1.0, 2.0, 3.0])
THINNED = Event(
    kind="thinned",
    wall=1.0,
    step=65,
    data={
        "quantities": ["weight_norm"],
        "period": 64,
        "before": 1,
        "cost": 4.8e-5,
        "clean_step": 0.01,
        "budget": 0.02,
    },
)
FULL = Event(kind="agent", wall=1.0, data={"rows": 9, "first": 100, "last": 150, "factor": 4})


def _stretches() -> Curve:
    stretch = {name: [1.0] for name in ("low", "high", "mean", "final")}
    buckets = {"first": [1], "last": [20], "count": [20], "nonfinite": [0], **stretch}
    return from_answer("r", 0, {"metric": "weight_norm", "points": 20, "buckets": buckets})


def test_a_thinned_series_says_why_there_are_no_more_points() -> None:
    told = news([THINNED])

    assert resolution(POINTS, "weight_norm/a", told) == "every 64 steps: one takes 48 µs, the budget is 2 %"
    assert resolution(_stretches(), "weight_norm", told).endswith("2 %; mean of 20 steps, band min to max")
    assert resolution(POINTS, "loss", told) == "every measurement, 64 steps apart"


def test_one_measurement_is_not_called_every_step() -> None:
    assert resolution(from_points("r", "lambda_max", [64], [1.0]), "lambda_max") == "one measurement"


def test_where_the_ring_was_full_the_chart_says_so_and_only_there() -> None:
    assert resolution(POINTS, "loss", news([FULL])).endswith("coarser from step 100 to 150: the job outran its sidecar")
    assert "coarser" not in resolution(_stretches(), "loss", news([FULL]))


def test_that_the_service_keeps_few_points_of_it_is_said() -> None:
    answer = {"metric": "loss", "steps": [63, 127, 128], "values": [1.0, 2.0, 3.0], "thinned_to": 127}

    said = resolution(from_answer("r", 0, answer), "loss")

    assert said.endswith("up to step 127 few points are kept, with all extremes")


def test_the_foot_keeps_the_whole_story_for_those_who_point_at_it() -> None:
    words = foot_of(POINTS, "weight_norm", news([THINNED]), chart="x")

    assert text_of(words).endswith("step 192")
    assert "since step 65" in words[0].title and "0.2 ms" in words[0].title


def test_under_a_chart_of_the_curvature_stands_how_it_was_obtained() -> None:
    way = "exact, on the fixed batch; 12 products"
    how = Event("agent", 1.0, 9, f"curvature is {way}", {"quantities": ["lambda_max"], "how": way})
    gone = {"quantities": ["lambda_max"], "absent": True}
    given_up = Event("agent", 2.0, 99, "curvature is not measured: no memory", gone)
    sharp = from_points("r", "lambda_max", [64, 128], [1.0, 2.0])

    words = foot_of(sharp, "lambda_max", news([how]), chart="x")
    after = foot_of(sharp, "lambda_max", news([how, given_up]), chart="x")

    spaced = "every measurement, 64 steps apart"
    assert text_of(words[0]) == f"exact, on the fixed batch; 12 products; {spaced}"
    assert (text_of(after[0]), given_up.text in after[0].title) == (spaced, True)


def test_what_other_quantities_say_of_themselves_stays_behind_the_foot() -> None:
    told = Event("agent", 1.0, 9, "in rows of the output", {"quantities": ["weight_norm"]})

    assert "rows" not in text_of(foot_of(POINTS, "weight_norm", news([told]), chart="x")[0])


def test_on_the_overview_the_sharpness_has_its_residual_and_its_age_and_the_loss_has_neither() -> None:
    values = {"sharpness_ratio": [0.5, 1.0], "lambda_max": [10.0, 20.0], "lambda_max_residual": [1.0, 4.0]}
    found = {key: from_points("r", key, [64, 128], some) for key, some in values.items()} | {"loss": POINTS}
    summary = RunSummary("r", "p", "n", "running", 0.0, 0.0, last_step=170)
    about = Dossier(summary, Verdict("r", 170), news([]), found, Extent(0, 200, open_end=True), LIGHT)

    high = figures(about, start=None, stable="sharpness_ratio")[2]["data"][0]["y"]
    _, loss, sharp = feet(about, stable="sharpness_ratio")

    assert high == pytest.approx([0.55, 1.2])
    assert text_of(sharp).endswith("band ± residual step 128, 42 steps ago")
    assert text_of(loss).endswith("step 192")


def test_stability_shows_the_sharpness_where_there_is_one() -> None:
    frame = Frame(LIGHT, "", first=0, last=10)

    assert stability_key(["loss", "sharpness_ratio"]) == "sharpness_ratio"
    assert stability_key(["loss"]) == "update_ratio"
    assert chart_of("sharpness_ratio", POINTS, frame)["layout"]["shapes"]
    assert not chart_of("update_ratio", POINTS, frame)["layout"]["shapes"]
