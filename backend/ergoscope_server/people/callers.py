"""Finds out who asks, from what a request brings: a token, or what a browser got when somebody logged in.

What was found is believed for a second, so that a job which sends many batches costs no question to the database for
each. Whoever is not to come in any more is refused a second later at most, by every process.
"""

import logging
import time
from collections.abc import Callable
from threading import Lock
from typing import Literal, Protocol

from ergoscope_server.people.rights import ALL_RIGHTS, NO_RIGHTS, ROLES, Caller, expand
from ergoscope_server.people.tokens import Secret, read_secret
from ergoscope_server.store.accounts import AccountRow
from ergoscope_server.store.errors import UnavailableError
from ergoscope_server.store.sessions import SessionRow
from ergoscope_server.store.shares import ShareRow
from ergoscope_server.store.tokens import TokenRow

Kind = Literal["token", "session", "share"]  # what programs bring, and what browsers do
BELIEVED_S = 1.0
USED_EVERY_S = 60.0
MOST_BELIEVED = 4096  # callers; beyond, all are forgotten and asked for again
EVERY_PROJECT = "*"  # as a role names it
_log = logging.getLogger(__name__)


class ExpiredError(PermissionError):
    """The token was good, and is not any more, as its time is over."""


class CallerStore(Protocol):
    """Where tokens and browsers that are logged in are kept."""

    def token(self, token_id: str) -> TokenRow | None:
        """Give a token, also one that was revoked."""
        ...

    def touch_token(self, token_id: str) -> None:
        """Note that a token is used."""
        ...

    def session(self, session_id: str) -> tuple[SessionRow, AccountRow] | None:
        """Give a browser that is logged in, and whose it is."""
        ...

    def touch_session(self, session_id: str) -> None:
        """Note that a browser is used."""
        ...

    def share(self, share_id: str) -> ShareRow | None:
        """Give a link that has not expired."""
        ...


class Callers:
    """Knows callers by what they bring. `find` asks the database; all may be called from any thread."""

    def __init__(self, store: CallerStore, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[tuple[Kind, Secret], tuple[float, Caller]] = {}
        self._lock = Lock()

    def known(self, kind: Kind, text: str) -> Caller | None:
        """Give whose this is where that was found out just now; asks nobody."""
        secret = read_secret(text)
        found = self._known.get((kind, secret)) if secret is not None else None
        return found[1] if found is not None and found[0] > self._clock() else None

    def find(self, kind: Kind, text: str) -> Caller | None:
        """Give whose this is; None where it is nobody's, or not good any more.

        Raises:
            UnavailableError: the database cannot say.
            ExpiredError: it is a token whose time is over.
        """
        secret = read_secret(text)
        if secret is None:
            return None
        ask = {"token": self._by_token, "session": self._by_session, "share": self._by_share}[kind]
        caller = ask(secret)
        return None if caller is None else self._believe((kind, secret), caller)

    def _by_token(self, secret: Secret) -> Caller | None:
        row = self._store.token(secret.id)
        if row is None or not secret.fits(row.digest) or row.revoked:
            return None
        if row.expired(self._clock()):
            raise ExpiredError(f"token {row.id} expired {_day(row.expires)}")
        self._note_use(row, self._store.touch_token)
        return _of_token(row)

    def _by_session(self, secret: Secret) -> Caller | None:
        found = self._store.session(secret.id)
        if found is None or not secret.fits(found[0].digest):
            return None
        self._note_use(found[0], self._store.touch_session)
        return _of_person(found[1])

    def _by_share(self, secret: Secret) -> Caller | None:
        row = self._store.share(secret.id)
        if row is None or not secret.fits(row.digest):
            return None
        return Caller(f"link {row.id}", runs=frozenset({row.run}))

    def _believe(self, key: tuple[Kind, Secret], caller: Caller) -> Caller:
        with self._lock:
            if len(self._known) >= MOST_BELIEVED:
                self._known.clear()
            self._known[key] = self._clock() + BELIEVED_S, caller
        return caller

    def _note_use(self, row: TokenRow | SessionRow, touch: Callable[[str], None]) -> None:
        if self._clock() - row.used < USED_EVERY_S:
            return
        try:
            touch(row.id)
        except UnavailableError as error:  # it may read but not write for now, and whoever reads need not wait
            _log.warning("cannot note that %s is used: %s", row.id, error)


def _day(then: float) -> str:
    return time.strftime("on %Y-%m-%d at %H:%M UTC", time.gmtime(then))


def _of_token(row: TokenRow) -> Caller:
    name, rights = f"token {row.id}", expand(row.scopes.split())
    return Caller(name, everywhere=rights) if row.project is None else Caller(name, projects={row.project: rights})


def _of_person(row: AccountRow) -> Caller:
    if row.admin:
        return Caller(row.name, everywhere=ALL_RIGHTS, account=row.name)
    rights = {project: ROLES[role] for project, role in row.roles.items()}
    everywhere = rights.pop(EVERY_PROJECT, NO_RIGHTS)
    return Caller(row.name, everywhere=everywhere, projects=rights, account=row.name)
