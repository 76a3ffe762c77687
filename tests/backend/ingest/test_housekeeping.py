"""The housekeeping thread, with a store that only remembers what was asked of it."""

import time
from collections.abc import Callable

import pytest

from ergoscope_contract.answers import RunSummary
from ergoscope_server.gauges import Gauges
from ergoscope_server.ingest import housekeeping as keeping
from ergoscope_server.ingest.due import QUIET_S, ROWS
from ergoscope_server.ingest.housekeeping import Housekeeping
from ergoscope_server.store.arrivals import Arrival
from ergoscope_server.store.errors import UnavailableError


class FakeStore:
    """Remembers what was folded and tidied."""

    def __init__(self, unfolded: list[str]) -> None:
        self.left = unfolded
        self.folded: list[str] = []
        self.tidied: list[str] = []
        self.failures = 0

    def fold(self, run: str) -> int | None:
        if self.failures:
            self.failures -= 1
            raise UnavailableError("the database cannot write now: gone")
        self.folded.append(run)
        return 5

    def unfolded(self) -> list[str]:
        return self.left

    def untidy(self) -> list[str]:
        return ["old"]

    def tidy(self, run: str) -> None:
        self.tidied.append(run)

    def summary(self, run: str) -> RunSummary | None:
        return RunSummary(run, "p", run, "silent", 0.0, 0.0)


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
    keeper = Housekeeping(store, Gauges(), changed=lambda run: None)

    _until(lambda: store.folded == ["a", "b"])

    keeper.close()


def test_a_run_is_folded_when_enough_has_come_and_counted() -> None:
    store, gauges = FakeStore([]), Gauges()
    keeper = Housekeeping(store, gauges, changed=lambda run: None)

    keeper.stored([Arrival("a", 1, 0, seq, 0.0, b"x") for seq in range(ROWS)])

    _until(lambda: gauges.registry.get_sample_value("ergoscope_folded_points_total") == 5)
    keeper.close()
    assert store.folded == ["a"]
    assert gauges.registry.get_sample_value("ergoscope_unfolded_bytes") == 0


def test_a_database_that_is_away_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    store = FakeStore(["a"])
    store.failures = 2
    keeper = Housekeeping(store, Gauges(), changed=lambda run: None)

    _until(lambda: store.folded == ["a"])

    keeper.close()
    assert "housekeeping waits: the database cannot write now: gone" in caplog.text


def test_old_rows_are_tidied_and_silence_is_told_by_the_clock() -> None:
    now = [0.0]
    store, told = FakeStore([]), list[str]()
    keeper = Housekeeping(store, Gauges(), changed=told.append, clock=lambda: now[0])
    keeper.stored([Arrival("a", 1, 0, 0, 0.0, b"x")])

    now[0] = max(QUIET_S, keeping.SWEEP_S) + 1

    _until(lambda: told == ["a"] and store.tidied == ["old"])
    keeper.close()
