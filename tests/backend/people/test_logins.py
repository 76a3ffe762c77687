"""Logging in, and how often it may fail."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ergoscope_server.people.callers import Callers
from ergoscope_server.people.identity import Identity
from ergoscope_server.people.logins import (
    OF_ACCOUNT,
    OF_ADDRESS,
    WITHIN_S,
    KeptOutError,
    LockedError,
    LoginError,
    count_return,
    log_in,
    log_in_by,
)
from ergoscope_server.people.tokens import Secret
from ergoscope_server.store.people import People
from ergoscope_server.store.store import Store

NOW = 1_790_000_000.0


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


def _right(password: str, kept: str | None) -> bool:
    """As argon2 does, and at once."""
    return kept is not None and kept == f"hash of {password}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(tmp_path: Path, clock: Clock) -> Iterator[People]:
    store = Store(f"sqlite:///{tmp_path / 'a.db'}")
    people = People(store.database, clock=clock)
    people.add_account("ada", "hash of good", admin=False)
    people.add_account("bob", "hash of good", admin=False)
    yield people
    store.close()


def _try(people: People, name: str, password: str, address: str = "10.0.0.1") -> Secret:
    return log_in(people, name, password, address=address, right=_right)


def _fail(people: People, name: str, times: int, address: str = "10.0.0.1") -> None:
    for _ in range(times):
        with pytest.raises(LoginError, match="name and password do not belong together"):
            _try(people, name, "bad", address)


def test_the_right_password_logs_a_browser_in(people: People) -> None:
    secret = _try(people, "ada", "good")

    caller = Callers(people, clock=Clock()).find("session", secret.token)
    assert caller is not None
    assert caller.account == "ada"


@pytest.mark.parametrize(("name", "password"), [("ada", "bad"), ("nobody", "good"), ("", ""), ("ada\x00", "good")])
def test_whatever_is_wrong_the_answer_is_one(people: People, name: str, password: str) -> None:
    with pytest.raises(LoginError, match=r"^name and password do not belong together$"):
        _try(people, name, password)


def test_who_is_disabled_is_not_let_in_with_the_right_password(people: People) -> None:
    people.set_disabled("ada", disabled=True)

    with pytest.raises(LoginError, match=r"^name and password do not belong together$"):
        _try(people, "ada", "good")


def test_after_ten_failures_an_account_waits_a_quarter_of_an_hour_wherever_it_is_tried_from(
    people: People, clock: Clock
) -> None:
    _fail(people, "ada", OF_ACCOUNT)

    for address in ("10.0.0.1", "10.0.0.2"):
        with pytest.raises(LockedError, match="there were too many attempts; wait a quarter of an hour"):
            _try(people, "ada", "good", address)
    _try(people, "bob", "good")
    clock.now += WITHIN_S + 1

    _try(people, "ada", "good")


def test_waiting_is_not_made_longer_by_trying(people: People, clock: Clock) -> None:
    _fail(people, "ada", OF_ACCOUNT)
    clock.now += WITHIN_S / 2
    with pytest.raises(LockedError):
        _try(people, "ada", "good")
    clock.now += WITHIN_S / 2 + 1

    _try(people, "ada", "good")


def test_an_address_may_not_try_many_accounts(people: People) -> None:
    for i in range(OF_ADDRESS):
        _fail(people, f"name {i}", 1)

    with pytest.raises(LockedError):
        _try(people, "ada", "good")
    _try(people, "ada", "good", "10.0.0.2")


def test_a_network_of_ipv6_is_one_address(people: People) -> None:
    for i in range(OF_ADDRESS):
        _fail(people, f"name {i}", 1, f"2001:db8::{i:x}")

    with pytest.raises(LockedError):
        _try(people, "ada", "good", "2001:db8::ffff")
    _try(people, "ada", "good", "2001:db9::1")


ADA = Identity("https://login.example.org", "7", "ada")


def test_whom_a_provider_lets_in_is_somebody_new_and_the_same_ever_after(people: People) -> None:
    first, new = log_in_by(people, ADA, role="viewer", address="10.0.0.1")
    _, again = log_in_by(people, replace(ADA, label="Ada L."), role="member", address="10.0.0.1")

    assert (new.name, new.roles, again) == ("ada-2", {"*": "viewer"}, new)  # ada is another one's name
    caller = Callers(people, clock=Clock()).find("session", first.token)
    assert caller is not None and caller.account == "ada-2"
    assert [change.who for change in people.changes()] == ["ada-2"]


def test_an_account_without_a_password_lets_nobody_in_by_one(people: People) -> None:
    _, person = log_in_by(people, ADA, role="", address="10.0.0.1")

    for password in ("", "good"):
        with pytest.raises(LoginError):
            log_in(people, person.name, password, address="10.0.0.2")


def test_who_is_disabled_is_not_let_in_by_a_provider(people: People) -> None:
    _, person = log_in_by(people, ADA, role="", address="10.0.0.1")
    people.set_disabled(person.name, disabled=True)

    with pytest.raises(KeptOutError, match=r"^the account is disabled$"):
        log_in_by(people, ADA, role="", address="10.0.0.1")


def test_browsers_that_come_back_as_nobody_are_counted_with_wrong_passwords(people: People) -> None:
    for _ in range(OF_ADDRESS):
        count_return(people, "10.0.0.1")

    with pytest.raises(LockedError, match="there were too many attempts; wait a quarter of an hour"):
        count_return(people, "10.0.0.1")
    with pytest.raises(LockedError):
        _try(people, "ada", "good")
    count_return(people, "10.0.0.2")


def test_an_address_that_is_none_counts_as_it_is(people: People) -> None:
    _fail(people, "ada", 1, "unix socket")

    assert people.attempts(["address unix socket"], within_s=WITHIN_S) == {"address unix socket": 1}


def test_success_forgets_the_failures_of_the_account_and_costs_the_address_nothing(people: People) -> None:
    for _ in range(3):
        _fail(people, "ada", OF_ACCOUNT - 1)
        _try(people, "ada", "good")

    counted = people.attempts(["account ada", "address 10.0.0.1"], within_s=WITHIN_S)
    assert counted == {"address 10.0.0.1": 3 * (OF_ACCOUNT - 1)}
