"""Who may come in, as the rest of the service knows it: each method is one transaction."""

import secrets
import time
from collections.abc import Callable, Collection, Sequence

from ergoscope_server.store import accounts, audit, failures, identities, sessions, shares, tokens
from ergoscope_server.store.accounts import AccountRow
from ergoscope_server.store.answering import Asking
from ergoscope_server.store.audit import Change
from ergoscope_server.store.database import Database
from ergoscope_server.store.identities import IdentityRow
from ergoscope_server.store.projects import read_projects
from ergoscope_server.store.sessions import SessionRow
from ergoscope_server.store.shares import ShareRow
from ergoscope_server.store.tokens import TokenRow

USED_EVERY_S = 60.0  # that a use is noted at most
UNUSED_S = 7 * 86400.0  # after which a browser that was not used is logged out
LONGEST_S = 30 * 86400.0  # after which any is


class People(Asking):
    """Tokens and people, in a database whose schema is up to date.

    Any method may raise UnavailableError when the database cannot answer, and may be called from any thread.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        """Look into a database that somebody else opens and closes: on SQLite all writers must share one object."""
        super().__init__(database)
        self._clock = clock

    def anybody(self) -> bool:
        """Say whether there is a token or a person that may come in."""
        with self._read() as connection:
            return tokens.anybody(connection, now=self._clock())

    def projects(self, runs: Collection[str]) -> dict[str, str]:
        """Give the project of each run; those that are not there are left out."""
        with self._read() as connection:
            return read_projects(connection, runs)

    def add_token(
        self,
        token_id: str,
        digest: bytes,
        *,
        name: str,
        scopes: str,
        project: str | None,
        lasts_s: float | None = None,
    ) -> None:
        """Keep a new token; without `lasts_s` it is good until it is taken back."""
        now = self._clock()
        expires = 0.0 if lasts_s is None else now + lasts_s
        with self._write() as connection:
            row = TokenRow(token_id, digest, name, scopes, project, created=now, expires=expires)
            tokens.add_token(connection, row)

    def token(self, token_id: str) -> TokenRow | None:
        """Give a token, also one that was revoked."""
        with self._read() as connection:
            return tokens.read_token(connection, token_id)

    def tokens(self) -> list[TokenRow]:
        """Give every token, the oldest first."""
        with self._read() as connection:
            return tokens.list_tokens(connection)

    def touch_token(self, token_id: str) -> None:
        """Note that a token is used; written once a minute at most."""
        with self._write() as connection:
            tokens.touch_token(connection, token_id, now=self._clock(), every_s=USED_EVERY_S)

    def revoke_token(self, token_id: str) -> bool:
        """Take a token back; False where it was taken back already or never was."""
        with self._write() as connection:
            return tokens.revoke_token(connection, token_id, now=self._clock())

    def add_account(self, name: str, password: str, *, admin: bool) -> bool:
        """Keep a new person with the hash of their password; False where there is one of that name."""
        with self._write() as connection:
            if accounts.read_account(connection, name) is not None:
                return False
            accounts.add_account(connection, AccountRow(name, password, admin, created=self._clock()))
        return True

    def account(self, name: str) -> AccountRow | None:
        """Give a person, also one that is disabled."""
        with self._read() as connection:
            return accounts.read_account(connection, name)

    def accounts(self) -> list[AccountRow]:
        """Give everybody, by name."""
        with self._read() as connection:
            return accounts.list_accounts(connection)

    def person_of(self, issuer: str, subject: str) -> AccountRow | None:
        """Give whom a provider knows as `subject`, also where they are disabled."""
        with self._read() as connection:
            known = identities.read_identity(connection, issuer, subject)
            return None if known is None else accounts.read_account(connection, known.account)

    def add_person_of(
        self, issuer: str, subject: str, *, name: str, role: str, project: str
    ) -> tuple[AccountRow, bool]:
        """Keep a new person whom a provider knows, without a password.

        Args:
            issuer: The provider.
            subject: Whom it knows them as.
            name: What to call them; with a number behind it where somebody is called so.
            role: What they may do; empty is nothing.
            project: Where they may.

        Returns:
            The person, and whether they are new: two browsers may log in for the first time at once.
        """
        with self._write() as connection:
            accounts.take_turns(connection)
            known = identities.read_identity(connection, issuer, subject)
            account = known.account if known else accounts.free_name(connection, name)
            if known is None:
                now = self._clock()
                accounts.add_account(connection, AccountRow(account, "", False, created=now))
                identities.save_identity(connection, IdentityRow(issuer, subject, account, created=now))
                accounts.set_role(connection, account, project, role)
            person = accounts.read_account(connection, account)
        assert person is not None
        return person, known is None

    def link(self, name: str, issuer: str, subject: str) -> bool:
        """Say whom a provider knows a person as; False where there is nobody of that name.

        Whoever it knew so until now is logged out everywhere.
        """
        with self._write() as connection:
            if accounts.read_account(connection, name) is None:
                return False
            known = identities.read_identity(connection, issuer, subject)
            if known is not None and known.account != name:
                sessions.end_sessions(connection, known.account)
            identities.save_identity(connection, IdentityRow(issuer, subject, name, created=self._clock()))
        return True

    def identities(self) -> list[IdentityRow]:
        """Give whom providers know people as, by account."""
        with self._read() as connection:
            return identities.list_identities(connection)

    def set_password(self, name: str, password: str) -> bool:
        """Put another hash in place, and log the person out everywhere; False where there is nobody of that name."""
        with self._write() as connection:
            sessions.end_sessions(connection, name)
            return accounts.change_account(connection, name, password=password)

    def set_disabled(self, name: str, *, disabled: bool) -> bool:
        """Keep a person out, or let them in again; False where there is nobody of that name."""
        with self._write() as connection:
            sessions.end_sessions(connection, name)
            return accounts.change_account(connection, name, disabled=self._clock() if disabled else 0.0)

    def set_role(self, name: str, project: str, role: str) -> bool:
        """Say what a person may do in a project, nothing where the role is empty; False where there is nobody."""
        with self._write() as connection:
            if accounts.read_account(connection, name) is None:
                return False
            accounts.set_role(connection, name, project, role)
        return True

    def add_session(self, session_id: str, digest: bytes, account: str) -> None:
        """Log a browser in; those that are over are removed."""
        now = self._clock()
        with self._write() as connection:
            sessions.expire_sessions(connection, unused_since=now - UNUSED_S, created_before=now - LONGEST_S)
            sessions.add_session(connection, SessionRow(session_id, digest, account, created=now, used=now))

    def session(self, session_id: str) -> tuple[SessionRow, AccountRow] | None:
        """Give a browser that is logged in, and whose it is; None where it is over, or the person is kept out."""
        with self._read() as connection:
            row, now = sessions.read_session(connection, session_id), self._clock()
            if row is None or row.used < now - UNUSED_S or row.created < now - LONGEST_S:
                return None
            person = accounts.read_account(connection, row.account)
        return None if person is None or person.disabled else (row, person)

    def touch_session(self, session_id: str) -> None:
        """Note that a browser is used; written once a minute at most."""
        with self._write() as connection:
            sessions.touch_session(connection, session_id, now=self._clock(), every_s=USED_EVERY_S)

    def end_session(self, session_id: str) -> None:
        """Log a browser out."""
        with self._write() as connection:
            sessions.end_session(connection, session_id)

    def attempts(self, keys: Sequence[str], *, within_s: float) -> dict[str, int]:
        """Give how many attempts to log in there were of each key, where the last one was of late."""
        with self._read() as connection:
            return failures.read_attempts(connection, keys, since=self._clock() - within_s)

    def count_attempt(self, keys: Sequence[str], *, within_s: float) -> dict[str, int]:
        """Count an attempt to log in under each key; give how many they are now."""
        now = self._clock()
        with self._write() as connection:
            failures.tidy_attempts(connection, since=now - within_s)
            return {key: failures.count_attempt(connection, key, now=now, since=now - within_s) for key in sorted(keys)}

    def forgive(self, account: str, address: str) -> None:
        """Forget the attempts of an account that succeeded, and one of the address that it came from."""
        with self._write() as connection:
            failures.forget(connection, account)
            failures.take_back(connection, address)

    def add_share(self, share_id: str, digest: bytes, *, run: str, who: str, lasts_s: float) -> ShareRow:
        """Keep a new link to a run; those that have expired are removed."""
        now = self._clock()
        row = ShareRow(share_id, digest, run, who, created=now, expires=now + lasts_s)
        with self._write() as connection:
            shares.expire_shares(connection, now=now)
            shares.add_share(connection, row)
        return row

    def share(self, share_id: str) -> ShareRow | None:
        """Give a link that has not expired."""
        with self._read() as connection:
            row = shares.read_share(connection, share_id)
        return None if row is None or row.expires < self._clock() else row

    def shares(self, run: str) -> list[ShareRow]:
        """Give the links to a run that have not expired, the oldest first."""
        with self._read() as connection:
            return [row for row in shares.list_shares(connection, run) if row.expires >= self._clock()]

    def end_share(self, run: str, share_id: str) -> bool:
        """Take a link back; False where the run has none of that id."""
        with self._write() as connection:
            return shares.end_share(connection, run, share_id)

    def note(self, who: str, what: str) -> None:
        """Note that somebody changed something."""
        with self._write() as connection:
            audit.add_change(connection, secrets.token_hex(8), Change(self._clock(), who, what))

    def changes(self, *, before: float | None = None, limit: int = 500) -> list[Change]:
        """Give what was changed, the newest first, before a time where given."""
        with self._read() as connection:
            return audit.list_changes(connection, before=before, limit=limit)
