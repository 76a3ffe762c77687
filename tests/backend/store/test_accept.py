"""Taking batches in: numbers, replays, attempts and endings."""

import pytest

from ergoscope_contract.answers import RunSummary
from ergoscope_contract.records import Attempt, Ending, Pulse, Run
from ergoscope_server.store.accept import Outcome
from ergoscope_server.store.seen import MOST_GAPS
from ergoscope_server.store.store import Store
from tests.backend.store.batches import ATTEMPT, arrival, batch, line
from tests.backend.store.reading import points

NOW = 1_790_000_000.0


def _summary(store: Store) -> RunSummary:
    summary = store.summary("r")
    assert summary is not None
    return summary


def _end(store: Store, seq: int, how: str, *, rank: int = 0, attempt: int = ATTEMPT, reason: str = "") -> None:
    ended = Ending(how, NOW, reason=reason)  # type: ignore[arg-type]  # a Literal by parametrize
    store.accept([arrival(batch(seq, {}, rank=rank, attempt=attempt, ended=ended))])


def test_arrivals_of_a_run_are_numbered_without_gaps(store: Store) -> None:
    outcomes = store.accept(
        [arrival(batch(seq, {"x": line(seq, 1)}, run=run)) for seq in range(3) for run in ("r", "q")]
    )

    assert [outcome.number for outcome in outcomes] == [1, 1, 2, 2, 3, 3]
    assert store.cursor("r") == store.cursor("q") == 3


def test_a_replay_is_recognised_and_changes_nothing(store: Store) -> None:
    first = arrival(batch(0, {"x": line(0, 5)}))

    outcomes = [store.accept([first])[0], store.accept([first])[0], *store.accept([first, first])]

    assert outcomes == [Outcome(1), Outcome(), Outcome(), Outcome()]
    assert points(store, "x") == [(float(i), float(i)) for i in range(5)]


def test_a_replay_is_recognised_after_folding_tidying_and_reopening(store: Store, url: str) -> None:
    batches = [arrival(batch(seq, {"x": line(seq * 700, 700)}), received=0.0) for seq in range(4)]
    store.accept(batches)
    store.fold("r")
    store.tidy("r")
    store.close()

    again = Store(url)

    assert again.accept(batches) == [Outcome()] * 4
    assert len(points(again, "x")) == 2_800
    again.close()


def test_a_gap_is_filled_later(store: Store) -> None:
    late, early = (arrival(batch(seq, {"x": line(seq, 1)})) for seq in (0, 1))

    outcomes = [*store.accept([early]), *store.accept([late]), *store.accept([late, early])]

    assert [outcome.number for outcome in outcomes] == [1, 2, None, None]
    assert points(store, "x") == [(0.0, 0.0), (1.0, 1.0)]


def test_too_many_gaps_are_refused_and_the_rest_of_the_group_is_kept(store: Store) -> None:
    store.accept([arrival(batch(2 * i, {})) for i in range(MOST_GAPS)])

    bad, good = store.accept([arrival(batch(5 * MOST_GAPS, {})), arrival(batch(0, {}, run="q"))])

    assert "would be gap number" in bad.problem
    assert good == Outcome(1)


def test_a_run_is_known_before_its_description_comes(store: Store) -> None:
    store.accept([arrival(batch(0, {"x": line(0, 1)}))])
    assert (_summary(store).name, _summary(store).project) == ("r", "unknown")

    about = Run("r", "digits", "first", NOW, config={"lr": 0.1}, tags=["a"], notes="n")
    begun = Attempt(ATTEMPT, NOW, system={"torch": "2"})
    store.accept([arrival(batch(1, {}, about=about, begun=begun))])

    summary = _summary(store)
    assert (summary.name, summary.project, summary.created) == ("first", "digits", NOW)
    assert (summary.config, summary.system, summary.tags, summary.notes) == ({"lr": 0.1}, {"torch": "2"}, ["a"], "n")


def _describe(store: Store, about: Run, *, attempt: int, seq: int = 0) -> None:
    store.accept([arrival(batch(seq, {}, attempt=attempt, about=about), received=NOW - 5)])


def test_a_resumed_run_stays_created_when_it_was_and_its_newer_settings_win_by_name(store: Store) -> None:
    _describe(store, Run("r", "p", "n", NOW, {"lr": 0.1, "seed": 0, "opt": {"a": 1}}, ["t"], notes="why"), attempt=1)
    _describe(store, Run("r", "p", "n2", NOW + 900, {"lr": 0.01, "opt": {"b": 2}}), attempt=2)

    summary = _summary(store)

    assert (summary.created, summary.name) == (NOW, "n2")
    assert summary.config == {"lr": 0.01, "seed": 0, "opt": {"b": 2}}
    assert (summary.tags, summary.notes) == (["t"], "why")
    assert [run.id for run in store.summaries()] == ["r"]


def test_the_description_of_an_older_attempt_that_comes_late_only_fills_in(store: Store) -> None:
    _describe(store, Run("r", "p", "new", NOW + 900, {"lr": 0.01}), attempt=2)
    _describe(store, Run("r", "q", "old", NOW, {"lr": 0.1, "seed": 0}, notes="why"), attempt=1)

    summary = _summary(store)

    assert (summary.created, summary.project, summary.name) == (NOW, "p", "new")
    assert (summary.config, summary.notes) == ({"lr": 0.01, "seed": 0}, "why")


def test_headline_values_steps_and_losses_are_the_newest(store: Store) -> None:
    columns = {"loss": ([0, 1], [2.0, float("nan")]), "lr": ([0, 1], [0.1, 0.2]), "mine": ([0, 1], [1.0, 1.0])}
    store.accept([arrival(batch(0, columns, pulse=Pulse(NOW, 1, lost=3)))])
    store.accept([arrival(batch(0, {"loss": ([9], [7.0])}, rank=1, pulse=Pulse(NOW, 9, lost=2)))])
    store.accept([arrival(batch(1, {}, pulse=Pulse(NOW, 4, lost=3)))])

    summary = _summary(store)

    assert str(summary.latest["loss"]) == "nan"
    assert summary.latest["lr"] == 0.2
    assert "mine" not in summary.latest
    assert (summary.last_step, summary.lost) == (9, 5)


def test_last_step_comes_from_the_points_when_no_pulse_tells(store: Store) -> None:
    store.accept([arrival(batch(0, {"x": ([3, 17, 5], [0.0, 0.0, 0.0])}))])

    assert _summary(store).last_step == 17


def test_the_latest_of_an_older_attempt_does_not_count(store: Store) -> None:
    store.accept([arrival(batch(0, {"loss": ([500], [1.0])}, attempt=2))])
    store.accept([arrival(batch(0, {"loss": ([900], [9.0])}, attempt=1))])

    summary = _summary(store)

    assert (summary.latest["loss"], summary.last_step, summary.attempts) == (1.0, 500, 2)


def test_norms_are_headline_values_where_rank_0_has_them_whole(store: Store) -> None:
    columns = {"loss": ([1], [2.0]), "grad_norm": ([1], [3.0])}
    store.accept([arrival(batch(0, columns, begun=Attempt(ATTEMPT, NOW)))])

    assert _summary(store).latest == {"loss": 2.0, "grad_norm": 3.0}


@pytest.mark.parametrize("rank", [0, 1])
def test_a_norm_of_before_is_no_headline_once_ranks_have_parts_of_it(store: Store, rank: int) -> None:
    store.accept([arrival(batch(0, {"loss": ([1], [2.0]), "grad_norm": ([1], [3.0])}, begun=Attempt(ATTEMPT, NOW)))])
    later = Attempt(ATTEMPT + 1, NOW, rank, 2, parts=2)
    store.accept([arrival(batch(0, {"grad_norm": ([2], [4.0])}, attempt=ATTEMPT + 1, rank=rank, begun=later))])
    store.accept([arrival(batch(1, {"grad_norm": ([3], [4.0])}, attempt=ATTEMPT + 1, rank=rank))])

    assert _summary(store).latest == {"loss": 2.0}


@pytest.mark.parametrize("how", ["finished", "failed", "crashed"])
def test_an_ending_gives_the_status_and_a_new_attempt_opens_the_run_again(store: Store, how: str) -> None:
    store.accept([arrival(batch(0, {"x": line(0, 1)}), received=NOW)])
    _end(store, 1, how, reason="killed\x00 by 9")
    assert (_summary(store).status, _summary(store).reason) == (how, "killed\ufffd by 9")

    store.accept([arrival(batch(0, {"x": line(1, 1)}, attempt=ATTEMPT + 1))])

    assert _summary(store).status in ("running", "silent")
    assert _summary(store).reason == ""
    _end(store, 2, "crashed")  # the older attempt's word comes late
    assert _summary(store).status in ("running", "silent")


def test_a_run_is_finished_when_all_ranks_are_and_crashed_when_one_is(store: Store) -> None:
    for rank in range(3):
        store.accept([arrival(batch(0, {}, rank=rank))])
    _end(store, 1, "finished", rank=0)
    _end(store, 1, "finished", rank=1)
    assert _summary(store).status in ("running", "silent")

    _end(store, 1, "crashed", rank=2, reason="signal 9")

    assert (_summary(store).status, _summary(store).reason) == ("crashed", "signal 9")


def test_nothing_of_a_transaction_that_fails_is_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    first = arrival(batch(0, {"x": line(0, 3)}))

    def fail(*_: object) -> None:
        raise RuntimeError("the plug was pulled")

    with monkeypatch.context() as patch:
        patch.setattr("ergoscope_server.store.runs.save", fail)
        with pytest.raises(RuntimeError, match="plug"):
            store.accept([first])

    assert store.summary("r") is None
    assert store.accept([first]) == [Outcome(1)]
    assert len(points(store, "x")) == 3
