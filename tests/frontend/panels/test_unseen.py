"""Quantities without a chart say their value, or why there is none."""

from ergoscope_contract.answers import Reading, Verdict
from ergoscope_contract.catalogue import ALL
from ergoscope_contract.records import Event
from ergoscope_ui.cadence import news
from ergoscope_ui.panels.unseen import table, why_absent
from tests.frontend.text import text_of

RARE = Event(
    kind="thinned",
    wall=1.0,
    data={"quantities": ["gns_simple"], "period": 64, "before": 16, "cost": 1e-3, "clean_step": 0.1, "budget": 0.02},
)


def test_what_has_a_value_comes_first_and_what_has_none_says_why() -> None:
    readings = [
        Reading(id="iat", value=6.18, low=1.55, high=10.8, step=1_400, how="Geyer's monotone sequence"),
        Reading(id="ess", absent="12 of 400 steps are there"),
        Reading(id="plateau_state", value=0.0, step=1_400, how="failed: slope"),
    ]
    metrics = [ALL["mk_z"], ALL["ess"], ALL["iat"], ALL["plateau_state"]]

    said = text_of(table(metrics, Verdict(run="r", step=1_400, readings=readings), news([])))

    assert said.index("6.2 ± 4.6 steps") < said.index("failed: slope") < said.index("12 of 400 steps are there")
    assert "Geyer's monotone sequence; at step 1,400" in said
    assert f"absent, because {ALL['mk_z'].absent}" in said


def test_a_quantity_that_is_measured_but_has_not_come_says_how_rarely_it_is_taken() -> None:
    assert why_absent(ALL["gns_simple"], news([RARE])).endswith(
        "it is taken every 64 steps: one takes 1 ms, the budget is 2 %"
    )
    assert why_absent(ALL["clip_coef"], news([])) == "absent, because no value has come from this run"


def test_where_the_verdict_knows_no_more_it_is_said_how_rarely_it_is_taken() -> None:
    never = Reading(id="gns_simple", absent="no value has come from this run")
    few = Reading(id="gns_simple", absent="not enough readings since step 0 (3 of 8)")

    said = [text_of(table([ALL["gns_simple"]], Verdict("r", 9, readings=[one]), news([RARE]))) for one in (never, few)]

    assert "it is taken every 64 steps" in said[0]
    assert "absent, because not enough readings since step 0 (3 of 8)" in said[1]


def test_the_agents_own_reason_comes_before_every_other() -> None:
    why = "curvature is not measured: several optimizers step"
    told = news([Event("agent", 1.0, 9, why, {"quantities": ["lambda_max", "sharpness_ratio"], "absent": True})])
    judged = Verdict(run="r", step=0, readings=[Reading(id="sharpness_ratio", absent="curvature is not measured")])

    said = text_of(table([ALL["lambda_max"], ALL["sharpness_ratio"], ALL["clip_coef"]], judged, told))

    assert said.count(f"absent, because {why}") == 2
    assert "no value has come" in said


def test_what_is_measured_by_layer_alone_leads_to_its_heat_map() -> None:
    there = {"kurtosis": "/runs/r?tab=layers&of=kurtosis"}

    shown = table([ALL["kurtosis"], ALL["loss_ema"]], Verdict(run="r", step=0), news([]), elsewhere=there)

    links = [part.href for part in shown[0]._traverse() if hasattr(part, "href")]
    assert links == ["/runs/r?tab=layers&of=kurtosis"]
    assert "no value has come" not in text_of(shown)


def test_nothing_is_said_when_everything_has_a_chart() -> None:
    assert table([], Verdict(run="r", step=0), news([])) == []
