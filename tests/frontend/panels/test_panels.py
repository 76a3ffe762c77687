"""Tables, heads and notices: what they say for what they are given."""

import msgspec
import pytest

from ergoscope_contract.answers import Alert, Phrase, RunSummary, Spell, Verdict
from ergoscope_contract.records import Event, Fork
from ergoscope_ui.address import read
from ergoscope_ui.cadence import Cadence
from ergoscope_ui.errors import RefusedError, UnknownError, UnreachableError
from ergoscope_ui.panels import alerts_table, compared, events_table, head, layers, notice, runs_table, sentence
from ergoscope_ui.panels.optimizer import learning_rate, optimizer
from ergoscope_ui.panels.settings_table import config_table, difference_table, differing, flat
from ergoscope_ui.panels.status import status
from ergoscope_ui.panels.term import term
from ergoscope_ui.rights import Rights
from ergoscope_ui.standing import Standing
from tests.frontend.text import links_of, text_of


def _run(name: str = "conv", **more: object) -> RunSummary:
    kept = {"id": name, "project": "digits", "name": name, "status": "running", "created": 0.0, "last_seen": 5.0}
    return RunSummary(**{**kept, **more})  # type: ignore[arg-type]  # a test's own fields


def test_the_head_says_step_pace_rate_cost_and_loss_of_data() -> None:
    latest = {"lr": 0.01, "step_time": 0.0412, "agent_overhead": 1.42}

    said = text_of(head.head(_run(last_step=18_240, lost=3, latest=latest)))

    assert "digits /" in said and "step 18,240" in " ".join(said.split())
    assert "41" in said and "1.4 %" in said and "0.01" in said and "lost  3" in said


def test_the_head_says_that_a_run_is_archived() -> None:
    assert "archived" in text_of(head.head(_run(archived=True)))
    assert "archived" not in text_of(head.head(_run()))


def test_the_head_says_where_a_run_was_forked_with_the_way_there() -> None:
    forked = _run(fork=Fork("06qh", 1_200))

    linked = head.head(forked, parent=RunSummary("06qh", "digits", "first", "finished", 0.0, 5.0))
    gone = head.head(forked)

    assert "forked from first at step 1,200" in " ".join(text_of(linked).split())
    assert links_of(linked) == ["/runs/06qh"]
    assert "forked from 06qh at step 1,200, which was deleted or is not yours to see" in text_of(gone)
    assert links_of(gone) == []
    assert "forked" not in text_of(head.head(_run()))


def test_a_crashed_run_says_where() -> None:
    assert text_of(status(_run(status="crashed", last_step=7_713), wordy=True)) == "crashed at step 7,713"


def test_the_sentence_is_the_verdicts_own_with_defined_numbers() -> None:
    verdict = Verdict(
        run="r",
        step=10,
        flags=["EDGE"],
        headline="The loss has settled.",
        evidence=[Phrase("Loss "), Phrase("0.4", "loss"), Phrase(" <b>now</b>")],
        spells=[Spell("WARMUP", 0, 10)],
    )

    said = text_of(sentence.sentence(verdict, _run(last_step=10)))

    assert said.startswith("The loss has settled. at the edge Loss  0.4")
    assert "<b>now</b>" in said and "Misleads when" in said


def test_what_the_headline_says_is_not_said_again() -> None:
    words = "Nothing to judge yet."

    for more in ({"evidence": [Phrase(words)]}, {"sentence": words}):
        said = text_of(sentence.sentence(Verdict("r", 0, headline=words, **more), _run()))  # type: ignore[arg-type]  # fields
        assert said.count(words) == 1


def test_a_number_the_catalogue_does_not_know_stays_bare() -> None:
    assert term("0.4", "no_such_quantity") == "0.4"
    assert term("0.4", "") == "0.4"


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ({"optimizers": [{"name": "SGD", "groups": []}]}, "sgd"),
        ({"optimizers": [{"name": "AdamW"}, {"name": "SGD"}]}, "adamw + sgd"),
        ({"optimizer": "Lion"}, "lion"),
        ({"optimizer": {"type": "RMSprop"}}, "rmsprop"),
        ({}, ""),
        ({"optimizer": 3}, ""),
    ],
)
def test_the_optimizer_is_found_in_the_settings(config: dict[str, object], name: str) -> None:
    assert optimizer(_run(config=config)) == name


def test_the_measured_learning_rate_wins_over_the_set_one() -> None:
    assert learning_rate(_run(latest={"lr": 0.01}, config={"lr": 0.1})) == 0.01
    assert learning_rate(_run(config={"lr": 0.1})) == 0.1
    assert learning_rate(_run(config={"lr": True})) is None


def test_only_settings_that_differ_are_compared() -> None:
    one = _run("a", config={"lr": 0.1, "seed": 0, "model": {"width": 8}}, system={"torch": "2.13"})
    other = _run("b", config={"lr": 0.1, "seed": 1, "model": {"width": 8}}, system={"torch": "2.13"})

    rows, total = differing([one, other])

    assert rows == [("seed", [0, 1])] and total == 4
    assert "1 of 4 settings" in text_of(difference_table([one, other]))
    assert "nothing that was recorded differs" in text_of(difference_table([one, one]))


def test_empty_tables_say_why() -> None:
    assert text_of(config_table({}, absent="The job recorded none.")) == "The job recorded none."
    assert flat({"empty": {}, "list": [1, 2]}) == {"empty": {}, "list": [1, 2]}
    assert "Nothing has happened yet" in text_of(events_table.table([], []))
    assert "fewer than 20 values" in text_of(layers.table([], steps=2_000))


def test_layers_that_stand_out_are_orange_beyond_three() -> None:
    table = layers.table([Standing("head.weight", 4.1e-3, 3.8), Standing("fc1.weight", 8.8e-4, -0.4)], steps=2_000)

    bars = [part.className for part in table[1]._traverse() if getattr(part, "className", "").startswith("bar")]
    assert bars == ["bar out", "bar"]
    assert "4.1e-3 3.8" in text_of(table) and "−0.4" in text_of(table)


def test_events_and_alerts_are_one_list_newest_first() -> None:
    alert = Alert(
        id="a",
        rule="x",
        run="r",
        severity="crit",
        state="firing",
        text="It rises.",
        first_step=9,
        last_step=9,
        started=20.0,
    )

    said = text_of(events_table.table([Event(kind="lr_change", wall=10.0, step=5, text="0.1 to 0.01")], [alert]))

    assert said.index("It rises.") < said.index("0.1 to 0.01")
    assert "learning rate" in said
    assert "firing" in text_of(alerts_table.table([alert], {"r": "digits / conv"}))
    assert "No alert has fired" in text_of(alerts_table.nothing())


def test_a_notice_stands_below_what_fires_and_is_not_red() -> None:
    notice_, alarm = (
        Alert(
            id=name,
            rule=name,
            run="r",
            severity=severity,
            state="firing",
            text=f"{name} text",
            first_step=9,
            last_step=9,
            started=started,
        )
        for name, severity, started in (("plateau", "info", 30.0), ("divergence", "crit", 20.0))
    )

    listed = alerts_table.table([notice_, alarm], {})
    told = events_table.table([], [notice_])

    said = text_of(listed)
    assert said.index("divergence text") < said.index("plateau text")
    assert "stands" in said and "notice" in said
    assert "over" in text_of(alerts_table.table([msgspec.structs.replace(notice_, state="resolved")], {}))
    classes = [getattr(part, "className", "") for part in told._traverse()]
    assert "l ink-descend" in classes and "l ink-diverge" not in classes
    assert alerts_table.alarms([notice_, alarm]) == [alarm]


def test_a_row_of_the_list_says_state_loss_and_flag() -> None:
    run = _run(last_step=4_102, latest={"loss": 1.912}, flags=["DIVERGING"], state="DESCENDING")

    said = text_of(runs_table.table([run], {}, {"conv": 3}))

    assert "diverging" in said and "1.91" in said and "4,102" in said


def test_a_row_of_the_list_tells_the_scripts_what_may_be_done_to_it() -> None:
    rights = Rights(everywhere=frozenset({"read"}), projects={"digits": frozenset({"read", "write"})})

    listed = [runs_table.table([_run(project=name)], {}, {}, rights=rights) for name in ("digits", "text")]

    rows = [part for table in listed for part in table._traverse() if hasattr(part, "data-may")]
    assert [getattr(row, "data-may") for row in rows] == ["read write", "read"]


def test_the_baseline_is_named_and_another_can_be_chosen() -> None:
    runs = [_run("a"), _run("b")]

    said = text_of(compared.legend(runs, read("/compare", "?runs=a,b"), {"a": 0, "b": 1}))

    assert "baseline" in said and "make baseline" in said
    assert "2 runs side by side" in text_of(compared.head(runs))


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (UnreachableError("http://x did not answer"), "No data is lost"),
        (UnknownError("there is nothing named 'a'"), "There is no such run"),
        (RefusedError("the store is away"), "The service refused"),
    ],
)
def test_a_failure_says_what_happened_what_is_safe_and_what_to_do(problem: Exception, words: str) -> None:
    said = text_of(notice.error(problem))  # type: ignore[arg-type]  # all are UiErrors

    assert words in said and str(problem) in said


def test_an_empty_list_shows_the_line_that_fills_it() -> None:
    assert "ergoscope.watch(model, optimizer)" in text_of(notice.empty())


def test_the_heat_map_says_how_rows_are_compared_and_why_there_are_no_more_values() -> None:
    rare = Cadence(period=16, usual=1, cost=0.0031, clean_step=0.02, budget=0.02)

    assert layers.column_words("weight_mean", 53, rare) == (
        "each row less its own median, in weight; a column is 53 steps, its maximum kept; "
        "taken every 16 steps: one takes 3.1 ms, the budget is 2 %"
    )
    assert layers.column_words("grad_norm", 1, None) == "log10, each row against its own median; a column is a step"
    assert layers.column_words("zero_fraction", 1, None).startswith("the values themselves")
    assert "taken every 16 steps" in text_of(layers.table([], steps=2_000, cadence=rare))


def test_rows_given_up_in_the_job_are_told_as_data_lost() -> None:
    full = Event(
        kind="agent", wall=1.0, text="rows were given up", data={"rows": 9, "first": 1, "last": 9, "factor": 4}
    )

    assert "data lost rows were given up" in text_of(events_table.table([full], []))


def test_a_happening_of_one_of_several_ranks_says_of_which() -> None:
    told = Event(kind="thinned", wall=10.0, step=65, text="rarely", data={"rank": 1})

    assert "how often, rank 1 rarely" in text_of(events_table.table([told], []))


def test_of_a_long_text_the_beginning_is_shown_and_the_rest_is_there() -> None:
    words = [f"word{i}" for i in range(99)]

    said = text_of(events_table.table([Event(kind="note", wall=10.0, text=" ".join(words))], []))

    assert said.replace(" …", "").endswith(" ".join(words))
    assert 100 < said.index(" …") < 260
