"""What was changed is noted with who did it, and told to admins."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ergoscope_server.store.errors import UnavailableError
from tests.backend.api.conftest import Running
from tests.backend.api.roles import Guarded, guarding


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    with guarding(tmp_path) as service:
        yield service


def _noted(guarded: Guarded, query: str = "") -> list[tuple[str, str]]:
    answer = guarded.ask("admin", f"/api/v1/audit{query}")
    return [(one["who"], one["what"]) for one in answer.json()["audit"]]


def _name(guarded: Guarded, role: str) -> str:
    return f"token {guarded.headers[role]['Authorization'].split('_')[1]}"


def test_a_change_is_noted_with_its_address_and_who_made_it(guarded: Guarded) -> None:
    guarded.ask("write here", "/api/v1/runs/r/archive", "PUT")
    guarded.running.client.put("/api/v1/retention?project=p", json={"days": 30}, headers=guarded.headers["admin"])

    assert _noted(guarded) == [
        (_name(guarded, "admin"), "PUT /api/v1/retention?project=p"),
        (_name(guarded, "write here"), "PUT /api/v1/runs/r/archive"),
    ]


def test_what_changes_nothing_is_not_noted(guarded: Guarded) -> None:
    guarded.ask("read", "/api/v1/runs")
    guarded.send(1, "write")
    guarded.ask("read", "/api/v1/runs/r/archive", "PUT")  # refused
    guarded.ask("write", "/api/v1/runs/nobody/archive", "PUT")  # not there

    assert _noted(guarded) == []


def test_a_change_that_cannot_be_noted_is_logged_and_stays_done(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(who: str, what: str) -> None:
        raise UnavailableError("the database cannot write now: gone")

    monkeypatch.setattr(guarded.running.server._app.state.people, "note", fail)

    answer = guarded.ask("admin", "/api/v1/runs/r/archive", "PUT")

    assert answer.status_code == 204
    assert f"cannot note that {_name(guarded, 'admin')} did PUT /api/v1/runs/r/archive" in caplog.text


def test_the_list_goes_back_as_far_as_is_asked_for(guarded: Guarded) -> None:
    for what in ("first", "second", "third"):
        guarded.people.note("ada", what)
    times = {change.what: change.at for change in guarded.people.changes()}

    assert _noted(guarded, "?limit=1") == [("ada", "third")]
    assert _noted(guarded, f"?before={times['second']!r}") == [("ada", "first")]


def test_where_nobody_is_known_nothing_is_noted(running: Running) -> None:
    running.client.put("/api/v1/retention?project=p", json={"days": 30})

    assert running.client.get("/api/v1/audit").json() == {"audit": []}
