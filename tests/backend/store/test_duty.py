"""Since when the service is whole, and when runs were heard of."""

from collections.abc import Iterator

import pytest

from ergoscope_server.store.duty import AWAY_S, REPORT_S, Heard, Role
from ergoscope_server.store.store import Store
from tests.backend.store.batches import arrival, batch, line
from tests.backend.store.clock import START, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(url: str, clock: Clock) -> Iterator[Store]:
    opened = Store(url, clock=clock)
    yield opened
    opened.close()


def _attend(store: Store, clock: Clock, *roles: Role, seconds: float) -> None:
    end = clock.now + seconds
    while clock.now < end:
        clock.now += REPORT_S
        for role in roles:
            store.report(role)


def _step(store: Store, clock: Clock, seq: int) -> None:
    store.accept([arrival(batch(seq, {"x": line(seq, 1)}), received=clock.now)])


def test_a_step_came_when_it_was_stored_and_a_sign_of_life_when_any_batch_was(timed: Store, clock: Clock) -> None:
    timed.report("serve")
    timed.report("work")
    clock.now += 10
    timed.report("serve")
    timed.report("work")
    _step(timed, clock, 0)
    clock.now += 3
    timed.accept([arrival(batch(1, {}), received=clock.now)])

    assert timed.heard("r") == Heard(0, START + 10, START + 13, START)
    assert timed.heard("stranger") is None


def test_an_older_step_that_comes_late_is_no_new_one(timed: Store, clock: Clock) -> None:
    timed.report("serve")
    timed.report("work")
    _step(timed, clock, 7)
    clock.now += 3
    timed.accept([arrival(batch(1, {"x": line(2, 1)}), received=clock.now)])

    assert timed.heard("r") == Heard(7, START, START + 3, START)


@pytest.mark.parametrize("present", ["serve", "work"])
def test_nothing_is_said_while_one_role_is_not_filled_and_it_counts_from_when_both_are(
    present: Role, timed: Store, clock: Clock
) -> None:
    _attend(timed, clock, "serve", "work", seconds=30)
    _step(timed, clock, 0)
    assert timed.heard("r") is not None

    _attend(timed, clock, present, seconds=AWAY_S + REPORT_S)
    assert timed.heard("r") is None

    _attend(timed, clock, present, seconds=100)
    _attend(timed, clock, "serve", "work", seconds=20)
    back = clock.now - 20 + REPORT_S
    assert timed.heard("r") == Heard(0, back, back, back)


def test_while_somebody_reports_it_does_not_matter_who(timed: Store, clock: Clock, url: str) -> None:
    other = Store(url, clock=clock)
    _attend(timed, clock, "serve", "work", seconds=30)
    _step(timed, clock, 0)
    step = clock.now

    _attend(other, clock, "serve", "work", seconds=300)
    other.close()

    assert timed.heard("r") == Heard(0, step, step, START + REPORT_S)


def test_a_leap_of_the_clock_is_a_pause(timed: Store, clock: Clock) -> None:
    _attend(timed, clock, "serve", "work", seconds=30)
    _step(timed, clock, 0)

    clock.now -= 3600
    assert timed.heard("r") is None
    _attend(timed, clock, "serve", "work", seconds=REPORT_S)

    heard = timed.heard("r")
    assert heard is not None
    assert heard.first == clock.now
