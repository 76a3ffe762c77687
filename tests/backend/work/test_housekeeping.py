"""The housekeeping thread, with a store that only remembers what was asked of it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from ergoscope_server.gauges import Gauges
from ergoscope_server.store.errors import UnavailableError
from ergoscope_server.work import housekeeping as keeping
from ergoscope_server.work.announced import Announced
from ergoscope_server.work.due import ROWS
from ergoscope_server.work.housekeeping import Housekeeping
from ergoscope_server.work.rounds import Alone


class FakeStore:
    """Remembers what was folded and tidied."""

    def __init__(self, unfolded: list[str]) -> None:
        self.left = unfolded
        self.old = ["old", "older"]
        self.folded: list[str] = []
        self.tidied: list[str] = []
        self.failures = 0

    def fold(self, run: str) -> int | None:
        if run == "broken":
            raise ValueError("a chunk that nobody can read")
        if self.failures:
            self.failures -= 1
            raise UnavailableError("the database cannot write now: gone")
        self.folded.append(run)
        self.left = [one for one in self.left if one != run]
        return 5

    def unfolded(self) -> list[str]:
        return self.left

    def untidy(self) -> list[str]:
        return self.old

    def tidy(self, run: str) -> None:
        self.tidied.append(run)
        if run == "odd":
            raise ValueError("a row that nobody can delete")


class Some(Alone):
    """Rounds of a few runs, which remember how each fold was left."""

    def __init__(self, *runs: str) -> None:
        self.runs = set(runs)
        self.done: list[tuple[str, bool]] = []

    def mine(self, run: str) -> bool:
        return run in self.runs

    @contextmanager
    def folding(self, run: str) -> Iterator[None]:
        done = False
        try:
            yield
            done = True
        finally:
            self.done.append((run, done))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "TICK_S", 0.01)


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_what_an_earlier_process_left_is_folded_at_the_start() -> None:
    store = FakeStore(["a", "b"])
    keeper = Housekeeping(store, Gauges(), Alone())

    _until(lambda: store.folded == ["a", "b"])

    keeper.close()


def test_a_run_is_folded_when_enough_has_come_and_counted() -> None:
    store, gauges = FakeStore([]), Gauges()
    keeper = Housekeeping(store, gauges, Alone())

    for _ in range(ROWS):
        keeper.arrived("a", Announced(1, 1))

    _until(lambda: gauges.registry.get_sample_value("ergoscope_folded_points_total") == 5)
    keeper.close()
    assert store.folded == ["a"]


def test_a_database_that_is_away_is_tried_again_and_what_was_announced_is_not_done(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store, rounds = FakeStore(["a"]), Some("a")
    store.failures = 2
    keeper = Housekeeping(store, Gauges(), rounds)

    _until(lambda: store.folded == ["a"])

    keeper.close()
    assert "housekeeping waits: the database cannot write now: gone" in caplog.text
    assert rounds.done == [("a", False), ("a", False), ("a", True)]


def test_one_run_that_cannot_be_folded_keeps_no_other_from_it(caplog: pytest.LogCaptureFixture) -> None:
    store, rounds = FakeStore(["broken", "whole"]), Some("broken", "whole")
    keeper = Housekeeping(store, Gauges(), rounds)

    _until(lambda: store.folded == ["whole"])

    keeper.close()
    assert "cannot fold run broken" in caplog.text
    assert rounds.done == [("broken", False), ("whole", True)]


def test_what_nobody_told_of_is_found_in_the_log_by_and_by() -> None:
    now = [0.0]
    store = FakeStore([])
    keeper = Housekeeping(store, Gauges(), Alone(), clock=lambda: now[0])
    _until(lambda: store.folded == [])
    store.left = ["lost"]

    now[0] = keeping.LOOK_S + 1

    _until(lambda: store.folded == ["lost"])
    keeper.close()


def test_only_runs_of_its_rounds_are_looked_after_and_new_ones_soon() -> None:
    now = [0.0]
    store, rounds = FakeStore(["mine", "another's"]), Some("mine", "old")
    keeper = Housekeeping(store, Gauges(), rounds, clock=lambda: now[0])
    _until(lambda: store.folded == ["mine"])

    rounds.runs.add("another's")
    keeper.look()
    _until(lambda: store.folded == ["mine", "another's"])
    now[0] = keeping.SWEEP_S + 1

    _until(lambda: store.tidied == ["old"])
    keeper.close()


def test_what_cannot_be_tidied_does_not_end_the_thread(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    store = FakeStore([])
    store.old = ["odd"]
    keeper = Housekeeping(store, Gauges(), Alone(), clock=lambda: now[0])
    now[0] = keeping.SWEEP_S + 1
    _until(lambda: store.tidied == ["odd"])

    store.left = ["new"]
    keeper.look()

    _until(lambda: store.folded == ["new"])
    keeper.close()
    assert "a row that nobody can delete" in caplog.text
