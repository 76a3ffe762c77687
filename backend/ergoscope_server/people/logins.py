"""Logging in, by a password or a provider, with so many attempts in a quarter of an hour.

They are counted for an account and for an address. Who has used them up waits, also with the right password, until
nobody has tried for a quarter of an hour. Each attempt is counted before the password is looked at, so that many at
once are not more than one after the other.
"""

import ipaddress
from collections.abc import Callable, Sequence
from typing import Protocol

from ergoscope_server.people.callers import EVERY_PROJECT
from ergoscope_server.people.identity import Identity
from ergoscope_server.people.passwords import is_right
from ergoscope_server.people.tokens import Secret, draw
from ergoscope_server.store.accounts import AccountRow

WITHIN_S = 15 * 60.0
OF_ACCOUNT = 10
OF_ADDRESS = 50  # many people may share one
LONGEST_NAME = 256
WRONG = "name and password do not belong together"


class LoginError(PermissionError):
    """Nobody is logged in; the text says no more than that name and password do not belong together."""


class LockedError(LoginError):
    """There were too many attempts."""


class KeptOutError(LoginError):
    """Whoever a provider let in is kept out here."""


class LoginStore(Protocol):
    """Where people, their browsers, and attempts are kept."""

    def account(self, name: str) -> AccountRow | None:
        """Give a person."""
        ...

    def add_session(self, session_id: str, digest: bytes, account: str) -> None:
        """Log a browser in."""
        ...

    def attempts(self, keys: Sequence[str], *, within_s: float) -> dict[str, int]:
        """Give how many attempts there were of late."""
        ...

    def count_attempt(self, keys: Sequence[str], *, within_s: float) -> dict[str, int]:
        """Count an attempt; give how many they are now."""
        ...

    def forgive(self, account: str, address: str) -> None:
        """Forget the attempts of an account, and one of an address."""
        ...


class IdentityStore(LoginStore, Protocol):
    """Where it is kept too whom providers know people as."""

    def person_of(self, issuer: str, subject: str) -> AccountRow | None:
        """Give whom a provider knows so."""
        ...

    def add_person_of(
        self, issuer: str, subject: str, *, name: str, role: str, project: str
    ) -> tuple[AccountRow, bool]:
        """Keep a new person; give them, and whether they are new."""
        ...

    def note(self, who: str, what: str) -> None:
        """Note that somebody changed something."""
        ...


def log_in(
    store: LoginStore, name: str, password: str, *, address: str, right: Callable[[str, str | None], bool] = is_right
) -> Secret:
    """Log somebody in, and give what their browser comes in by from now on.

    Raises:
        LockedError: there were too many attempts.
        LoginError: name and password do not belong together, or the account is disabled.
    """
    if len(name) > LONGEST_NAME or not name.isprintable():  # no account is called so, and no column holds a NUL
        raise LoginError(WRONG)
    account, place = f"account {name}", f"address {_network(address)}"
    _check(store.attempts([account, place], within_s=WITHIN_S), account, place, spare=1)
    _check(store.count_attempt([account, place], within_s=WITHIN_S), account, place, spare=0)
    person = store.account(name)
    good = person is not None and not person.disabled
    if not right(password, (person.password or None) if person is not None and good else None):
        raise LoginError(WRONG)
    store.forgive(account, place)
    secret = draw()
    store.add_session(secret.id, secret.digest, name)
    return secret


def count_return(store: LoginStore, address: str) -> None:
    """Count that a browser comes back from a provider, before the provider is asked what it brings.

    Raises:
        LockedError: too many came from there that were nobody.
    """
    place = f"address {_network(address)}"
    _check(store.attempts([place], within_s=WITHIN_S), "", place, spare=1)
    _check(store.count_attempt([place], within_s=WITHIN_S), "", place, spare=0)


def log_in_by(store: IdentityStore, identity: Identity, *, role: str, address: str) -> tuple[Secret, AccountRow]:
    """Log somebody in whom a provider has let in; at the first time they get an account, without a password.

    Args:
        store: Where people are kept.
        identity: Who it is.
        role: What who is new may do in all projects; empty is nothing until an admin says.
        address: Where they are.

    Returns:
        What their browser comes in by from now on, and who they are here.

    Raises:
        KeptOutError: the account is disabled.
    """
    person, new = store.person_of(identity.issuer, identity.subject), False
    if person is None:
        person, new = store.add_person_of(
            identity.issuer, identity.subject, name=identity.label, role=role, project=EVERY_PROJECT
        )
    if person.disabled:
        raise KeptOutError("the account is disabled")
    if new:
        store.note(person.name, f"account {person.name} made by a first login at {identity.issuer}")
    store.forgive(f"account {person.name}", f"address {_network(address)}")
    secret = draw()
    store.add_session(secret.id, secret.digest, person.name)
    return secret, person


def _check(counted: dict[str, int], account: str, place: str, *, spare: int) -> None:
    if counted.get(account, 0) + spare > OF_ACCOUNT or counted.get(place, 0) + spare > OF_ADDRESS:
        raise LockedError("there were too many attempts; wait a quarter of an hour")


def _network(address: str) -> str:
    """Give what one person has of addresses: of IPv6 a whole network."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:LONGEST_NAME]
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)
