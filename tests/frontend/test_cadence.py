"""What events tell of how often a quantity is taken."""

import dataclasses

import pytest
from msgspec.structs import replace

from ergoscope_contract.records import Event
from ergoscope_ui.cadence import Cadence, Gap, folded, news, reasons, whole_reasons

CADENCE = Cadence(period=16, usual=1, cost=0.0031, clean_step=0.02, budget=0.02, since=65)


def _thinned(period: int, before: int, *names: str, step: int = 65) -> Event:
    data = {"quantities": list(names), "period": period, "before": before, "cost": 0.0031, "clean_step": 0.02}
    return Event(kind="thinned", wall=1.0, step=step, text="told", data={**data, "budget": 0.02})


def test_the_newest_word_on_a_quantity_counts_and_its_layers_go_with_it() -> None:
    told = news([_thinned(64, 8, "kurtosis", "weight_sd"), _thinned(16, 64, "kurtosis", step=900)])

    assert told.cadence("kurtosis/conv1.weight") == Cadence(16, 8, 0.0031, 0.02, 0.02, 900)
    assert told.cadence("weight_sd") == Cadence(64, 8, 0.0031, 0.02, 0.02, 65)
    assert told.cadence("loss") is None


def test_the_reason_is_said_in_words_with_its_numbers() -> None:
    assert reasons(CADENCE) == "every 16 steps: one takes 3.1 ms, the budget is 2 %"
    assert "since step 65" in whole_reasons(CADENCE) and "2 % of that, 0.4 ms" in whole_reasons(CADENCE)


@pytest.mark.parametrize("cadence", [None, Cadence(1, 1, 1e-3, 0.02, 0.02), Cadence(8, 8, 1e-3, 0.02, 0.02)])
def test_what_is_taken_as_often_as_it_may_be_needs_no_reason(cadence: Cadence | None) -> None:
    assert reasons(cadence) == whole_reasons(cadence) == ""


def test_a_resumed_run_begins_anew() -> None:
    told = news([_thinned(64, 8, "kurtosis"), Event(kind="resume", wall=2.0)])

    assert told.cadence("kurtosis") is None


@pytest.mark.parametrize("broken", [{"period": "often"}, {"cost": None}, {"budget": True}, {"quantities": "kurtosis"}])
def test_an_event_of_another_version_says_nothing(broken: dict[str, object]) -> None:
    whole = _thinned(64, 8, "kurtosis")

    assert news([replace(whole, data={**whole.data, **broken})]).cadence("kurtosis") is None


def test_rows_that_a_full_ring_cost_are_found_and_how_a_quantity_is_obtained_too() -> None:
    full = Event(kind="agent", wall=1.0, data={"rows": 90, "first": 100, "last": 300, "factor": 4})
    noise = Event(kind="agent", wall=1.0, text="by a running mean", data={"quantities": ["noise_trace"]})

    told = news([full, noise, Event(kind="agent", wall=1.0, text="something else")])

    assert told.gaps == [Gap(100, 300, 90)]
    assert (told.remark("noise_trace"), told.remark("loss")) == ("by a running mean", "")


def _said(text: str, *quantities: str, **data: object) -> Event:
    return Event("agent", 1.0, 9, text, {"quantities": list(quantities), **data})


def test_why_a_quantity_is_not_measured_the_agent_knows_best() -> None:
    how = _said("curvature is exact", "lambda_max", "sharpness_ratio", how="exact")
    lack = _said("there is no threshold: Lion has none", "sharpness_ratio", absent=True)
    over = _said("no memory", "lambda_max", absent=True)

    assert news([how, lack]).obstacle("sharpness_ratio") == lack.text
    assert news([how, lack]).obstacle("lambda_max") == news([how, lack]).obstacle("loss") == ""
    assert news([how, over]).obstacle("lambda_max/conv1") == over.text
    assert news([lack, how]).obstacle("sharpness_ratio") == ""  # measured again


def test_words_alone_make_nothing_absent() -> None:
    told = news([_said("trust_ratio is absent at steps that are not measured", "trust_ratio")])

    assert told.obstacle("trust_ratio") == ""


def test_what_was_given_up_may_be_measured_again_when_a_run_is_resumed() -> None:
    over = _said("no memory", "lambda_max", absent=True)

    assert news([over, Event(kind="resume", wall=2.0)]).obstacle("lambda_max") == ""
    assert news([Event(kind="resume", wall=2.0), over]).obstacle("lambda_max") == over.text


def test_how_curvature_is_measured_stays_said_when_something_else_is_told_until_it_is_given_up() -> None:
    how = _said("the spectrum is exact, on the fixed batch", "hess_trace", how="exact, on the fixed batch")
    anew = _said("draws were begun anew", "hess_trace")

    assert news([how, anew]).way("hess_trace/conv1") == "exact, on the fixed batch"
    assert news([how, anew, _said("no memory", "hess_trace", absent=True)]).way("hess_trace") == ""
    assert news([anew]).way("hess_trace") == news([how]).way("loss") == ""


def test_changes_of_one_step_are_one_event_and_others_stay() -> None:
    note = Event(kind="note", wall=1.0, step=65, text="hello")
    many = [_thinned(64, 1, "weight_norm"), _thinned(256, 8, "kurtosis"), _thinned(64, 8, "friction")]

    found = folded([*many, note, _thinned(64, 256, "kurtosis", step=900)])

    assert [event.text for event in found] == [
        "All that is measured may take 2 % of a step, 0.4 ms. From now on every 64 steps: weight norm, what diffGrad "
        "would make of the step; every 256 steps: excess kurtosis of the weights.",
        "hello",
        "told",
    ]


def _of(event: Event, rank: int) -> Event:
    return replace(event, data={**event.data, "rank": rank})


def test_of_several_ranks_the_one_that_takes_a_quantity_most_rarely_counts_and_is_named() -> None:
    first, second = _of(_thinned(16, 1, "grad_norm"), 0), _of(_thinned(64, 1, "grad_norm"), 1)

    for events in ([first, second], [second, first], [first, second, _of(_thinned(32, 16, "grad_norm"), 0)]):
        assert news(events).cadence("grad_norm") == replace_cadence(rank=1, period=64)
    back = news([first, second, _of(_thinned(1, 64, "grad_norm", step=900), 1)]).cadence("grad_norm")
    assert back == replace_cadence(rank=0, period=16)
    assert reasons(back) == "every 16 steps: one takes 3.1 ms on rank 0, the budget is 2 %"


def test_what_two_ranks_tell_of_one_step_stays_apart() -> None:
    many = [_of(_thinned(64, 1, name), rank) for rank in (0, 1) for name in ("grad_norm", "weight_norm")]

    found = folded(many)

    assert [event.data["rank"] for event in found] == [0, 1]
    assert found[0].text == found[1].text


def replace_cadence(*, rank: int, period: int) -> Cadence:
    return dataclasses.replace(CADENCE, rank=rank, period=period)
