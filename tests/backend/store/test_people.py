"""Tokens, people, their browsers and their attempts to log in, in the database."""

from dataclasses import replace

import pytest

from ergoscope_contract.records import Run
from ergoscope_server.store.accounts import AccountRow
from ergoscope_server.store.audit import Change
from ergoscope_server.store.people import LONGEST_S, UNUSED_S, USED_EVERY_S, People
from ergoscope_server.store.sessions import SessionRow
from ergoscope_server.store.shares import ShareRow
from ergoscope_server.store.store import Store
from ergoscope_server.store.tokens import TokenRow
from tests.backend.store.batches import arrival, batch
from tests.backend.store.clock import START as NOW
from tests.backend.store.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(store: Store, clock: Clock) -> People:
    return People(store.database, clock=clock)


def test_a_token_is_kept_as_it_was_made(people: People, clock: Clock) -> None:
    people.add_token("b", b"\x00\xff", name="ci", scopes="read write", project="p")
    clock.now += 1
    people.add_token("a", b"d", name="", scopes="admin", project=None)

    first = TokenRow("b", b"\x00\xff", "ci", "read write", "p", created=NOW)
    assert people.token("b") == first
    assert people.tokens() == [first, TokenRow("a", b"d", "", "admin", None, created=NOW + 1)]
    assert people.token("c") is None


def test_a_use_is_written_once_a_minute(people: People, clock: Clock) -> None:
    people.add_token("a", b"d", name="", scopes="read", project=None)

    used = []
    for clock.now in (NOW, NOW + USED_EVERY_S - 1, NOW + USED_EVERY_S + 1):
        people.touch_token("a")
        used.append(people.tokens()[0].used)

    assert used == [NOW, NOW, NOW + USED_EVERY_S + 1]


def test_a_token_is_revoked_once_and_kept(people: People, clock: Clock) -> None:
    people.add_token("a", b"d", name="", scopes="read", project=None)
    made = people.token("a")
    assert made is not None

    assert people.revoke_token("a")
    clock.now += 5
    assert not people.revoke_token("a")
    assert not people.revoke_token("b")

    assert people.token("a") == replace(made, revoked=NOW)


def test_somebody_may_come_in_while_a_token_is_good(people: People) -> None:
    seen = [people.anybody()]
    people.add_token("a", b"d", name="", scopes="read", project=None)
    seen.append(people.anybody())
    people.revoke_token("a")
    seen.append(people.anybody())

    assert seen == [False, True, False]


def test_the_projects_of_runs_are_given_where_they_are_there(store: Store, people: People) -> None:
    store.accept([arrival(batch(0, {}, run="a", about=Run("a", "p", "n", 1.0))), arrival(batch(0, {}, run="b"))])

    assert people.projects(["a", "b", "c"]) == {"a": "p", "b": "unknown"}
    assert people.projects([]) == {}


def test_runs_are_listed_of_some_projects_only(store: Store) -> None:
    for run, project in (("a", "p"), ("b", "q"), ("c", "p")):
        store.accept([arrival(batch(0, {}, run=run, about=Run(run, project, "n", 1.0)))])

    assert {run.id for run in store.summaries(projects={"p"})} == {"a", "c"}
    assert {run.id for run in store.summaries(projects={"p"}, project="q")} == set()
    assert store.summaries(projects=()) == []
    assert len(store.summaries()) == 3


def test_a_person_is_kept_once_with_what_they_may_do(people: People) -> None:
    assert people.add_account("ada", "h", admin=False)
    assert not people.add_account("ada", "other", admin=True)
    people.add_account("Bob", "h", admin=True)

    people.set_role("ada", "p", "viewer")
    people.set_role("ada", "p", "member")
    people.set_role("ada", "q", "admin")
    people.set_role("ada", "q", "")

    ada = AccountRow("ada", "h", False, NOW, roles={"p": "member"})
    assert people.account("ada") == ada
    assert people.accounts() == [AccountRow("Bob", "h", True, NOW), ada]
    assert people.account("nobody") is None


def test_nobody_cannot_be_changed(people: People) -> None:
    assert not people.set_role("nobody", "p", "viewer")
    assert not people.set_password("nobody", "h")
    assert not people.set_disabled("nobody", disabled=True)


def test_somebody_may_come_in_while_an_account_is_not_disabled(people: People) -> None:
    people.add_account("ada", "h", admin=False)
    seen = [people.anybody()]
    people.set_disabled("ada", disabled=True)
    seen.append(people.anybody())
    people.set_disabled("ada", disabled=False)
    seen.append(people.anybody())

    assert seen == [True, False, True]


def test_a_browser_is_logged_in_until_it_logs_out(people: People) -> None:
    people.add_account("ada", "h", admin=False)
    people.add_session("s", b"\x00d", "ada")

    assert people.session("s") == (SessionRow("s", b"\x00d", "ada", NOW, NOW), AccountRow("ada", "h", False, NOW))
    people.end_session("s")
    assert people.session("s") is None


@pytest.mark.parametrize("what", ["disabled", "password"])
def test_who_is_kept_out_or_has_another_password_is_logged_out_everywhere(people: People, what: str) -> None:
    people.add_account("ada", "h", admin=False)
    people.add_session("s", b"d", "ada")

    if what == "disabled":
        people.set_disabled("ada", disabled=True)
        people.set_disabled("ada", disabled=False)
    else:
        people.set_password("ada", "other")

    assert people.session("s") is None


def test_a_browser_that_is_not_used_for_a_week_is_logged_out(people: People, clock: Clock) -> None:
    people.add_account("ada", "h", admin=False)
    people.add_session("s", b"d", "ada")

    clock.now += UNUSED_S - 1
    people.touch_session("s")
    clock.now += UNUSED_S - 1
    assert people.session("s") is not None
    clock.now += 2

    assert people.session("s") is None


def test_any_browser_is_logged_out_after_a_month_and_forgotten(people: People, clock: Clock) -> None:
    people.add_account("ada", "h", admin=False)
    people.add_session("s", b"d", "ada")
    for _ in range(31):
        clock.now += LONGEST_S / 30
        people.touch_session("s")
    gone = people.session("s")
    people.add_session("t", b"d", "ada")

    clock.now = NOW  # were it there, it would be good
    assert (gone, people.session("s")) == (None, None)


def test_attempts_are_counted_of_late_only(people: People, clock: Clock) -> None:
    counted = [people.count_attempt(["a", "b"], within_s=10.0)]
    clock.now += 9.0
    counted.append(people.count_attempt(["a"], within_s=10.0))
    clock.now += 9.0
    of_late = people.attempts(["a", "b", "c"], within_s=10.0)
    clock.now += 2.0
    counted.append(people.count_attempt(["a"], within_s=10.0))

    assert counted == [{"a": 1, "b": 1}, {"a": 2}, {"a": 1}]
    assert of_late == {"a": 2}


def test_what_is_forgiven_is_forgotten_of_the_account_and_one_less_of_the_address(people: People) -> None:
    for _ in range(3):
        people.count_attempt(["a", "b"], within_s=10.0)

    people.forgive("a", "b")

    assert people.attempts(["a", "b"], within_s=10.0) == {"b": 2}


def test_changes_are_listed_the_newest_first(people: People, clock: Clock) -> None:
    for clock.now, what in ((NOW, "a"), (NOW + 1, "b"), (NOW + 2, "c")):
        people.note("ada", what)

    assert people.changes(limit=2) == [Change(NOW + 2, "ada", "c"), Change(NOW + 1, "ada", "b")]
    assert people.changes(before=NOW + 1) == [Change(NOW, "ada", "a")]


def test_a_link_is_kept_until_it_expires(people: People, clock: Clock) -> None:
    row = people.add_share("a", b"\x00d", run="r", who="ada", lasts_s=10.0)
    assert row == ShareRow("a", b"\x00d", "r", "ada", NOW, NOW + 10)

    assert (people.share("a"), people.shares("r"), people.shares("q")) == (row, [row], [])
    clock.now += 11
    assert (people.share("a"), people.shares("r")) == (None, [])
    people.add_share("b", b"d", run="r", who="ada", lasts_s=10.0)

    clock.now = NOW  # were it there, it would be good
    assert people.share("a") is None


def test_a_link_is_taken_back_once_and_by_its_own_run(people: People) -> None:
    people.add_share("a", b"d", run="r", who="ada", lasts_s=10.0)

    assert not people.end_share("q", "a")
    assert people.end_share("r", "a")
    assert not people.end_share("r", "a")
    assert people.share("a") is None
