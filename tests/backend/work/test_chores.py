"""Chores: in turns of bounded length, each run by one worker, and none that can hold up the others."""

import pytest

from ergoscope_server.store.errors import UnavailableError
from ergoscope_server.work.chores import CLEAR_EVERY_S, THIN_EVERY_S, TURN_S, Chores
from ergoscope_server.work.rounds import Alone


class Owed:
    """What there is to do, each run in pieces that take a while by the clock."""

    def __init__(self, gone: dict[str, int], old: dict[str, int]) -> None:
        self.gone, self.old = gone, old
        self.now = 0.0
        self.looks: list[str] = []
        self.done: list[str] = []
        self.away = False

    def uncleared(self) -> list[str]:
        self.looks.append("gone")
        return list(self.gone)

    def overdue(self) -> list[str]:
        self.looks.append("old")
        return list(self.old)

    def clear(self, run: str, *, within_s: float) -> bool:
        return self._work(self.gone, run, within_s)

    def thin(self, run: str, *, within_s: float) -> bool:
        return self._work(self.old, run, within_s)

    def _work(self, owed: dict[str, int], run: str, within_s: float) -> bool:
        if self.away:
            raise UnavailableError("the database cannot write now: gone")
        if run == "broken":
            raise ValueError("a row that nobody can read")
        end = self.now + within_s
        while owed[run] and self.now < end:
            owed[run] -= 1
            self.now += TURN_S / 4
        if owed[run]:
            return False
        del owed[run]
        self.done.append(run)
        return True


class Half(Alone):
    """Rounds without one run."""

    def mine(self, run: str) -> bool:
        return run != "another's"


def test_a_turn_ends_in_time_and_the_next_goes_on() -> None:
    owed = Owed({"a": 6}, {"b": 1, "c": 1})
    chores = Chores(owed, Alone(), clock=lambda: owed.now)

    chores.turn()
    after_one = (owed.now, dict(owed.gone), list(owed.done))
    chores.turn()

    assert after_one == (TURN_S, {"a": 2}, [])
    assert owed.done == ["a", "c", "b"]
    assert owed.looks == ["gone", "old"]


def test_it_looks_again_by_and_by() -> None:
    owed = Owed({}, {})
    chores = Chores(owed, Alone(), clock=lambda: owed.now)

    for owed.now in (0.0, 1.0, CLEAR_EVERY_S, THIN_EVERY_S):
        chores.turn()

    assert owed.looks == ["gone", "old", "gone", "gone", "old"]


def test_runs_of_others_are_left_to_them() -> None:
    owed = Owed({"another's": 1, "mine": 1}, {"another's": 1})
    chores = Chores(owed, Half(), clock=lambda: owed.now)

    chores.turn()

    assert owed.done == ["mine"]


def test_a_database_that_is_away_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    owed = Owed({"a": 1}, {})
    chores = Chores(owed, Alone(), clock=lambda: owed.now)
    owed.away = True

    with pytest.raises(UnavailableError):
        chores.turn()
    owed.away = False
    chores.turn()

    assert owed.done == ["a"]


def test_one_run_that_cannot_be_dealt_with_keeps_no_other_from_it(caplog: pytest.LogCaptureFixture) -> None:
    owed = Owed({"whole": 1, "broken": 1}, {})
    chores = Chores(owed, Alone(), clock=lambda: owed.now)

    chores.turn()

    assert owed.done == ["whole"]
    assert "cannot look after run broken" in caplog.text
