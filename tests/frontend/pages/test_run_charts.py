"""What the foot of a chart says."""

from ergoscope_contract.records import Event
from ergoscope_ui.cadence import news
from ergoscope_ui.curve import Curve, from_answer, from_points
from ergoscope_ui.pages.run_charts import foot_of, resolution
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


def test_where_the_ring_was_full_the_chart_says_so_and_only_there() -> None:
    assert resolution(POINTS, "loss", news([FULL])).endswith("coarser from step 100 to 150: the job outran its sidecar")
    assert "coarser" not in resolution(_stretches(), "loss", news([FULL]))


def test_the_foot_keeps_the_whole_story_for_those_who_point_at_it() -> None:
    words = foot_of(POINTS, "weight_norm", news([THINNED]), chart="x")

    assert text_of(words).endswith("step 192")
    assert "since step 65" in words[0].title and "0.2 ms" in words[0].title
