"""Who a token belongs to, for how long that is believed, and what is noted."""

import logging
from dataclasses import dataclass, field, replace

import pytest

from ergoscope_server.people.callers import BELIEVED_S, MOST_BELIEVED, Callers, ExpiredError
from ergoscope_server.people.rights import ALL_RIGHTS, Caller, Right
from ergoscope_server.people.tokens import Secret, draw
from ergoscope_server.store.accounts import AccountRow
from ergoscope_server.store.errors import UnavailableError
from ergoscope_server.store.sessions import SessionRow
from ergoscope_server.store.shares import ShareRow
from ergoscope_server.store.tokens import TokenRow

NOW = 1_790_000_000.0


@dataclass
class Kept:
    """Tokens in memory."""

    rows: dict[str, TokenRow] = field(default_factory=dict)
    asked: int = 0
    touched: list[str] = field(default_factory=list)
    sessions: dict[str, tuple[SessionRow, AccountRow]] = field(default_factory=dict)
    shares: dict[str, ShareRow] = field(default_factory=dict)
    reads_only: bool = False

    def add(self, scopes: str = "read", project: str | None = None) -> Secret:
        secret = draw()
        self.rows[secret.id] = TokenRow(secret.id, secret.digest, "", scopes, project, created=NOW)
        return secret

    def token(self, token_id: str) -> TokenRow | None:
        self.asked += 1
        return self.rows.get(token_id)

    def touch_token(self, token_id: str) -> None:
        if self.reads_only:
            raise UnavailableError("the database cannot write now: it only reads")
        self.touched.append(token_id)

    def log_in(self, person: AccountRow) -> Secret:
        secret = draw()
        self.sessions[secret.id] = SessionRow(secret.id, secret.digest, person.name, NOW, NOW), person
        return secret

    def session(self, session_id: str) -> tuple[SessionRow, AccountRow] | None:
        return self.sessions.get(session_id)

    def share(self, share_id: str) -> ShareRow | None:
        return self.shares.get(share_id)

    def touch_session(self, session_id: str) -> None:
        self.touched.append(f"session {session_id}")


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


def test_a_token_gives_its_rights() -> None:
    kept = Kept()
    everywhere, limited = kept.add("admin"), kept.add("read write", "p")
    callers = Callers(kept, clock=Clock())

    assert callers.find("token", everywhere.token) == Caller(f"token {everywhere.id}", everywhere=ALL_RIGHTS)
    rights = frozenset({Right.READ, Right.WRITE})
    assert callers.find("token", limited.token) == Caller(f"token {limited.id}", projects={"p": rights})


def test_a_wrong_secret_an_unknown_id_and_a_revoked_token_are_nobody() -> None:
    kept = Kept()
    good, revoked = kept.add(), kept.add()
    kept.rows[revoked.id] = replace(kept.rows[revoked.id], revoked=NOW)
    callers = Callers(kept, clock=Clock())

    for text in (Secret(good.id, "x" * 43).token, draw().token, revoked.token, "nonsense"):
        assert callers.find("token", text) is None
        assert callers.known("token", text) is None


def test_what_was_found_is_believed_for_a_second_and_then_asked_again() -> None:
    kept, clock = Kept(), Clock()
    secret = kept.add()
    callers = Callers(kept, clock=clock)
    assert callers.known("token", secret.token) is None

    found = callers.find("token", secret.token)
    clock.now += BELIEVED_S - 0.01
    assert (callers.known("token", secret.token), kept.asked) == (found, 1)
    kept.rows[secret.id] = replace(kept.rows[secret.id], revoked=clock.now)
    clock.now += 0.02

    assert callers.known("token", secret.token) is None
    assert callers.find("token", secret.token) is None


def test_only_so_many_are_believed() -> None:
    kept = Kept()
    callers = Callers(kept, clock=Clock())
    secrets = [kept.add() for _ in range(MOST_BELIEVED + 1)]

    for secret in secrets:
        callers.find("token", secret.token)

    assert callers.known("token", secrets[0].token) is None
    assert callers.known("token", secrets[-1].token) is not None


def test_a_use_is_noted_once_a_minute() -> None:
    kept, clock = Kept(), Clock()
    secret = kept.add()
    callers = Callers(kept, clock=clock)

    callers.find("token", secret.token)
    kept.rows[secret.id] = replace(kept.rows[secret.id], used=clock.now)
    clock.now += 59.0
    callers.find("token", secret.token)
    assert kept.touched == [secret.id]
    clock.now += 2.0
    callers.find("token", secret.token)

    assert kept.touched == [secret.id, secret.id]


def test_a_use_that_cannot_be_noted_lets_the_caller_in(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept(reads_only=True)
    secret = kept.add()

    with caplog.at_level(logging.WARNING):
        assert Callers(kept, clock=Clock()).find("token", secret.token) is not None

    assert f"cannot note that {secret.id} is used" in caplog.text
    assert secret.word not in caplog.text


def test_a_token_whose_time_is_over_is_nobodys_and_said_to_be() -> None:
    kept, clock = Kept(), Clock()
    secret = kept.add()
    kept.rows[secret.id] = replace(kept.rows[secret.id], expires=NOW + 60)
    callers = Callers(kept, clock=clock)

    assert callers.find("token", secret.token) is not None
    clock.now += 60

    with pytest.raises(ExpiredError, match=rf"^token {secret.id} expired on 2026-09-21 at 14:14 UTC$"):
        callers.find("token", secret.token)
    assert callers.find("token", Secret(secret.id, "x" * 43).token) is None  # who does not know it is told nothing


READ, WRITE = Right.READ, Right.WRITE


@pytest.mark.parametrize(
    ("person", "everywhere", "projects"),
    [
        (AccountRow("ada", "h", True, NOW), ALL_RIGHTS, {}),
        (AccountRow("ada", "h", False, NOW), frozenset(), {}),
        (AccountRow("ada", "h", False, NOW, roles={"*": "viewer"}), {READ}, {}),
        (AccountRow("ada", "h", False, NOW, roles={"p": "member"}), set(), {"p": {READ, WRITE}}),
        (AccountRow("ada", "h", False, NOW, roles={"p": "admin"}), set(), {"p": ALL_RIGHTS}),
        (AccountRow("ada", "h", False, NOW, roles={"*": "viewer", "p": "member"}), {READ}, {"p": {READ, WRITE}}),
    ],
)
def test_a_person_has_the_rights_of_their_roles(
    person: AccountRow, everywhere: set[Right], projects: dict[str, set[Right]]
) -> None:
    kept = Kept()
    secret = kept.log_in(person)

    caller = Callers(kept, clock=Clock()).find("session", secret.token)

    assert caller is not None
    assert (caller.name, caller.account, caller.everywhere, caller.projects) == ("ada", "ada", everywhere, projects)


def test_what_browsers_bring_is_no_token_and_a_token_no_session() -> None:
    kept = Kept()
    token, browser = kept.add("admin"), kept.log_in(AccountRow("ada", "h", True, NOW))
    callers = Callers(kept, clock=Clock())
    callers.find("token", token.token)
    callers.find("session", browser.token)

    assert callers.find("session", token.token) is None
    assert callers.find("token", browser.token) is None
    assert callers.known("session", token.token) is None
    assert callers.known("token", browser.token) is None


def test_a_session_with_another_secret_is_nobodys() -> None:
    kept = Kept()
    browser = kept.log_in(AccountRow("ada", "h", True, NOW))

    assert Callers(kept, clock=Clock()).find("session", Secret(browser.id, "x" * 43).token) is None


def test_the_use_of_a_browser_is_noted_once_a_minute() -> None:
    kept, clock = Kept(), Clock()
    browser = kept.log_in(AccountRow("ada", "h", True, NOW))
    callers = Callers(kept, clock=clock)

    callers.find("session", browser.token)
    clock.now += 61.0
    callers.find("session", browser.token)

    assert kept.touched == [f"session {browser.id}"]


def test_a_link_lets_read_its_run() -> None:
    kept, secret = Kept(), draw()
    kept.shares[secret.id] = ShareRow(secret.id, secret.digest, "r", "ada", NOW, NOW + 1)
    callers = Callers(kept, clock=Clock())

    found = callers.find("share", secret.token)

    assert found == Caller(f"link {secret.id}", runs=frozenset({"r"}))
    assert callers.find("share", Secret(secret.id, "x" * 43).token) is None
    assert callers.find("share", draw().token) is None
