"""The ranks of a run's newest attempt: how each stands."""

from msgspec.structs import replace

from ergoscope_contract.answers import RankSummary, Verdict
from ergoscope_contract.records import Attempt, Ending, Event, Pulse
from ergoscope_server.store.muster import never_seen
from ergoscope_server.store.quiet import LATE_S, QUIET_S
from ergoscope_server.store.store import Store
from ergoscope_server.store.watching import Judged
from tests.backend.store.batches import ATTEMPT, arrival, batch

NOW = 1_790_000_000.0


def _say(store: Store, rank: int, at: float, step: int | None = None, **more: object) -> None:
    """Let a rank send its next batch at NOW + at."""
    seq, attempt = more.pop("seq", int(at * 10)), more.pop("attempt", ATTEMPT)
    pulse = Pulse(NOW, step, lost=rank)
    made = batch(seq, {}, rank=rank, attempt=attempt, pulse=pulse, **more)  # type: ignore[arg-type]  # its fields
    store.accept([arrival(made, received=NOW + at)])


def _ranks(store: Store, at: float) -> list[RankSummary]:
    later = Store(store.database.url.render_as_string(hide_password=False), clock=lambda: NOW + at)
    found = later.ranks("r")
    later.close()
    return found


def test_each_rank_has_its_step_its_lag_and_when_it_was_heard_of(store: Store) -> None:
    _say(store, 0, 0.0, 10, begun=Attempt(ATTEMPT, NOW, 0, 3, host="a"))
    _say(store, 2, 0.5, 7)
    _say(store, 1, 1.0)
    _say(store, 0, 2.0, 12)

    assert _ranks(store, 2.0) == [
        RankSummary(0, ATTEMPT, "running", NOW + 2.0, 12, 0, host="a"),
        RankSummary(1, ATTEMPT, "running", NOW + 1.0, None, None, lost=1),
        RankSummary(2, ATTEMPT, "running", NOW + 0.5, 7, 5, lost=2),
    ]


def test_a_rank_is_silent_by_the_rule_for_runs_until_it_ends(store: Store) -> None:
    for at in (0.0, 30.0):
        _say(store, 0, at, 1)  # half a minute apart: it may be silent for two minutes
    _say(store, 1, 30.0, 1)
    _say(store, 2, 30.0, 1, ended=Ending("finished", NOW))

    def statuses(at: float) -> list[str]:
        return [rank.status for rank in _ranks(store, at)]

    assert statuses(30.0 + QUIET_S - 0.1) == ["running", "running", "finished"]
    assert statuses(30.0 + QUIET_S + 0.1) == ["running", "silent", "finished"]
    assert statuses(30.0 + 120.1) == ["silent", "silent", "finished"]
    assert [rank.patience for rank in _ranks(store, 0.0)] == [120.0, 10.0, 10.0]


def test_a_replay_and_a_late_batch_do_not_make_a_rank_heard_of_anew(store: Store) -> None:
    _say(store, 0, 5.0, 1, seq=1)
    _say(store, 0, 9.0, 1, seq=1)
    _say(store, 0, 3.0, 1, seq=0)

    assert [rank.last_seen for rank in _ranks(store, 9.0)] == [NOW + 5.0]


def test_ranks_that_never_sent_anything_are_listed_after_a_fair_time_and_counted_nowhere(store: Store) -> None:
    for rank in (1, 4):
        _say(store, rank, 0.0, 10, begun=Attempt(ATTEMPT, NOW, rank, 8))
    _say(store, 0, 0.0, 10, attempt=ATTEMPT - 1)  # of an attempt before

    before, after = _ranks(store, LATE_S), _ranks(store, LATE_S + 0.1)

    unseen = [RankSummary(0, ATTEMPT, "never seen", 0.0), RankSummary(2, ATTEMPT, "never seen", 0.0, upto=3)]
    assert [rank.rank for rank in before] == [1, 4]
    assert [rank for rank in after if rank.status == "never seen"] == [
        *unseen,
        RankSummary(5, ATTEMPT, "never seen", 0.0, upto=7),
    ]
    assert [rank.rank for rank in after] == [0, 1, 2, 4, 5]
    summary = store.summary("r")
    assert summary is not None
    assert (summary.ranks, summary.ranks_silent) == (2, 2)  # by the clock of today both are long silent, and no others


def test_a_job_of_very_many_ranks_of_which_one_watches_is_one_line() -> None:
    told = [Attempt(number=ATTEMPT, started=NOW, rank=0, world_size=2**50)]

    (unseen,) = never_seen([0], told, now=NOW + 1e3)

    assert (unseen.rank, unseen.upto) == (1, 2**50 - 1)


def test_without_a_word_of_how_many_they_are_no_rank_is_missed() -> None:
    assert never_seen([0, 5], [], now=NOW) == []


def test_only_the_newest_attempt_is_called(store: Store) -> None:
    for rank in range(3):
        _say(store, rank, 0.0, 100)
    _say(store, 1, 1.0, 50, attempt=ATTEMPT + 1)
    _say(store, 2, 1.0, 60)  # a late word of the one before

    summary = store.summary("r")

    assert [(rank.rank, rank.attempt, rank.behind) for rank in _ranks(store, 1.0)] == [(1, ATTEMPT + 1, 0)]
    assert summary is not None
    assert (summary.ranks, summary.attempts) == (1, 2)
    assert store.ranks("nobody") == []


def test_the_summary_counts_the_silent_and_the_hindmost_while_the_run_goes_on(store: Store) -> None:
    for rank, step in ((0, 1_000), (1, 990), (2, 400)):
        _say(store, rank, 0.0, step)
    _say(store, 0, 20.0, 1_500)
    store.save_verdict(Judged(Verdict("r", 1, lagging=[2])))

    def told(at: float) -> tuple[int, ...]:
        later = Store(store.database.url.render_as_string(hide_password=False), clock=lambda: NOW + at)
        (summary,) = later.summaries()
        assert summary == later.summary("r")
        later.close()
        return summary.ranks, summary.ranks_silent, summary.ranks_lagging, summary.behind

    assert told(20.0) == (3, 2, 1, 1_100)
    assert [rank.lags for rank in _ranks(store, 20.0)] == [False, False, True]
    _say(store, 2, 21.0, 400, ended=Ending("finished", NOW))  # who has ended is not behind
    assert told(21.0) == (3, 1, 1, 510)
    _say(store, 0, 22.0, 1_500, ended=Ending("crashed", NOW))
    assert told(60.0) == (3, 0, 0, 0)


def test_events_of_the_service_stand_behind_those_that_came_before(store: Store) -> None:
    def event(text: str) -> Event:
        return Event("rank", NOW, 3, text)

    def send(seq: int, *texts: str) -> None:
        store.accept([arrival(replace(batch(seq, {}), events=[event(text) for text in texts]))])

    send(0, "a", "b")
    store.save_verdict(Judged(Verdict("r", 1)), [event("c"), event("d")])
    store.save_verdict(Judged(Verdict("r", 1), version=1), [event("e")])
    send(1, "f")
    store.save_verdict(Judged(Verdict("r", 1), version=2))

    assert [found.text for found in store.events("r")] == ["a", "b", "c", "d", "e", "f"]
