"""Cursors: what arrived after one, without gap and without doubles."""

import pytest

from ergoscope_server.store import increments, tidy
from ergoscope_server.store.errors import UnknownRunError
from ergoscope_server.store.ranks import TOGETHER
from ergoscope_server.store.series import Query
from ergoscope_server.store.store import Store
from tests.backend.store.batches import arrival, batch, line

RECEIVED = 1_790_000_000.0


def _fill(store: Store, seqs: range, n: int = 10) -> None:
    store.accept([arrival(batch(seq, {"x": line(seq * n, n), "y": line(seq, 1)})) for seq in seqs])


def _follow(store: Store, since: int) -> tuple[list[int], int]:
    """Read increments until there is no more; the steps of x, and where the reader stands."""
    steps: list[int] = []
    more = True
    while more:
        increment = store.increment("r", since, ["x"])
        assert not increment.torn
        steps += [step for data in increment.series for step in data.points.steps.tolist()]
        since, more = increment.cursor, increment.more
    return steps, since


def test_history_and_increments_join_without_gap_or_double(store: Store) -> None:
    seen: list[int] = []
    _fill(store, range(3))
    first = store.series("r", Query(["x"]))
    seen += first.series[0].points.steps.tolist()
    since = first.cursor
    for start in range(3, 30, 3):
        _fill(store, range(start, start + 3))
        if start % 2:
            store.fold("r")
        steps, since = _follow(store, since)
        seen += steps

    assert seen == list(range(300))
    assert since == store.cursor("r") == 30


def test_a_reader_far_behind_is_led_on_in_parts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(increments, "MOST_ROWS", 7)
    _fill(store, range(40))

    steps, since = _follow(store, 0)

    assert steps == list(range(400))
    assert since == 40


def test_what_arrived_since_a_cursor_is_given_on_request(store: Store) -> None:
    _fill(store, range(10))
    store.fold("r")
    _fill(store, range(10, 12))

    answer = store.series("r", Query(["x", "absent"], since=8))

    assert answer.cursor == 12
    assert answer.series[0].points.steps.tolist() == list(range(80, 120))
    assert answer.series[1].count == 0


@pytest.mark.parametrize("rank", [0, 3])
@pytest.mark.parametrize("kept", [True, False])
def test_a_pattern_since_a_cursor_gives_only_what_changed(store: Store, rank: int, kept: bool) -> None:
    store.accept([arrival(batch(0, {"x": line(0, 10), "y": line(0, 10)}, rank=rank))])
    store.accept([arrival(batch(1, {"y": line(10, 10)}, rank=rank))])
    store.fold("r")
    if not kept:
        store.tidy("r")  # what is folded was received long ago
    store.accept([arrival(batch(2, {"x": line(20, 1)}, rank=rank))])

    answer = store.series("r", Query(["*"], since=2, rank=TOGETHER))
    assert [(data.metric, data.rank, data.points.steps.tolist()) for data in answer.series] == [("x", 0, [20])]

    news = store.increment("r", 2, ["*"], rank=TOGETHER)
    assert [(data.metric, data.rank, data.points.steps.tolist()) for data in news.series] == [("x", 0, [20])]


def test_a_cursor_older_than_the_log_is_torn_for_streams_and_answered_whole_on_request(store: Store) -> None:
    _fill(store, range(5), n=1_000)
    store.fold("r")
    _fill(store, range(5, 8), n=1_000)
    store.fold("r")
    _fill(store, range(8, 9), n=1_000)
    store.tidy("r")  # everything that is folded was received long ago

    increment = store.increment("r", 3, ["x"])
    assert (increment.torn, increment.cursor, increment.series) == (True, 9, [])
    steps = store.series("r", Query(["x"], since=6)).series[0].points.steps.tolist()
    assert steps == sorted(set(steps))
    assert steps[-3_000:] == list(range(6_000, 9_000))
    assert store.increment("r", 8, ["x"]).series[0].count == 1_000


def test_points_of_an_attempt_that_was_overtaken_are_not_news(store: Store) -> None:
    store.accept([arrival(batch(0, {"x": line(0, 100)}, attempt=1))])
    store.accept([arrival(batch(0, {"x": line(50, 10)}, attempt=2))])
    since = store.cursor("r")
    store.accept([arrival(batch(1, {"x": ([40, 70], [4.0, 7.0])}, attempt=1))])

    news = store.increment("r", since, ["x"]).series[0].points

    assert news.steps.tolist() == [40]
    assert store.series("r", Query(["x"])).series[0].points.steps.tolist() == list(range(60))


def test_an_unknown_run_is_said_to_be_unknown(store: Store) -> None:
    with pytest.raises(UnknownRunError, match="there is no run 'nobody'; the runs list has those there are"):
        store.cursor("nobody")


def test_folded_rows_stay_for_a_while(store: Store) -> None:
    now = RECEIVED
    made = [arrival(batch(seq, {"x": line(seq, 1)}), received=now + seq) for seq in range(10)]
    patient = Store(store.database.url.render_as_string(hide_password=False), clock=lambda: now + tidy.KEEP_S + 3.5)
    patient.accept(made)

    patient.tidy("r")
    assert not patient.increment("r", 0, ["x"]).torn  # nothing is folded yet

    patient.fold("r")
    assert patient.untidy() == ["r"]
    patient.tidy("r")
    patient.close()

    assert store.increment("r", 3, ["x"]).torn
    assert store.increment("r", 4, ["x"]).series[0].points.steps.tolist() == [4, 5, 6, 7, 8, 9]


def test_rows_go_when_they_are_old_or_many_or_large() -> None:
    assert tidy.last_gone([(3, 9.0, 10), (2, 9.0, 10), (1, 9.0, 10)], now=10.0) is None
    assert tidy.last_gone([(3, 9.0, 10), (2, 1.0, 10), (1, 0.0, 10)], now=2.0 + tidy.KEEP_S) == 2
    assert tidy.last_gone([(3, 9.0, tidy.KEEP_BYTES), (2, 9.0, 1)], now=10.0) == 2
    many = [(number, 9.0, 0) for number in range(tidy.KEEP_ROWS + 5, 0, -1)]
    assert tidy.last_gone(many, now=10.0) == 5
