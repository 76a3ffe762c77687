"""Links to one run: made by who may write it, opened by anybody, good for nothing else."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ergoscope_server.people.tokens import draw
from tests.backend.api.roles import THEIRS, Guarded, bearer, guarding


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    with guarding(tmp_path) as service:
        service.send(0, "admin", run="q", project=THEIRS)
        yield service


def _make(guarded: Guarded, query: str = "") -> dict[str, str]:
    answer = guarded.ask("write here", f"/api/v1/runs/r/shares{query}", "POST")
    assert answer.status_code == 201, answer.text
    made: dict[str, str] = answer.json()
    return made


@pytest.fixture
def visitor(guarded: Guarded) -> Iterator[httpx.Client]:
    """A browser that came by a link."""
    with httpx.Client(base_url=guarded.running.url, timeout=20) as client:
        opened = client.get(_make(guarded)["path"])
        assert (opened.status_code, opened.headers["location"]) == (303, "/runs/r")
        yield client


def test_who_comes_by_a_link_reads_that_run(visitor: httpx.Client) -> None:
    for path in ("/api/v1/runs/r", "/api/v1/runs/r/series", "/api/v1/series?runs=r", "/api/v1/alerts?run=r"):
        assert visitor.get(path).status_code == 200, path
    live = visitor.get("/api/v1/live?run=r", headers={"Accept": "application/json"})
    assert {one["data"].get("id", "r") for one in live.json()["events"]} == {"r"}


def test_who_comes_by_a_link_reads_nothing_else_and_writes_nothing(visitor: httpx.Client, guarded: Guarded) -> None:
    origin = {"Origin": guarded.running.url}

    assert visitor.get("/api/v1/runs/q").status_code == 404
    assert visitor.get("/api/v1/series?runs=r&runs=q").status_code == 404
    assert visitor.get("/api/v1/runs").json() == {"runs": []}
    assert visitor.get("/api/v1/alerts").json() == {"alerts": []}
    assert visitor.get("/metrics").status_code == 403
    assert visitor.post("/api/v1/runs/r/slices", headers=origin).status_code == 403
    assert visitor.post("/api/v1/runs/r/shares", headers=origin).status_code == 403
    assert visitor.delete("/api/v1/runs/r", headers=origin).status_code == 403


def test_the_cookie_of_a_link_is_kept_from_scripts_until_the_link_expires(guarded: Guarded) -> None:
    cookie = httpx.get(guarded.running.url + _make(guarded, "?days=2")["path"]).headers["set-cookie"]

    assert cookie.startswith("ergoscope_link=ergo_")
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Max-Age=172800" in cookie


def test_a_link_is_told_once_and_listed_without_what_opens_it(guarded: Guarded) -> None:
    made = _make(guarded)

    (listed,) = guarded.ask("write here", "/api/v1/runs/r/shares").json()["shares"]

    assert made.pop("path").startswith(f"/shared/ergo_{made['id']}_")
    assert listed == made
    assert made["who"].startswith("token ")
    assert float(made["expires"]) - float(made["created"]) == 7 * 86400


def test_a_link_that_was_taken_back_opens_nothing(guarded: Guarded) -> None:
    made = _make(guarded)

    assert guarded.ask("write here", f"/api/v1/runs/r/shares/{made['id']}", "DELETE").status_code == 204
    again = guarded.ask("write here", f"/api/v1/runs/r/shares/{made['id']}", "DELETE")

    assert again.status_code == 404
    assert again.json()["detail"] == (
        f"run 'r' has no link {made['id']!r} that is open; `ergoscope share r --list` has those there are"
    )
    opened = guarded.running.client.get(made["path"])
    assert opened.status_code == 404
    assert opened.json()["detail"] == "this link has expired, or was taken back; ask who sent it for another"
    cookie = {"Cookie": f"ergoscope_link={made['path'].removeprefix('/shared/')}"}
    refused = guarded.running.client.get("/api/v1/runs/r", headers=cookie)
    assert refused.status_code == 401
    assert refused.json()["detail"] == "the link by which you came has expired, or was taken back"


def test_a_link_of_another_run_is_not_taken_back(guarded: Guarded) -> None:
    made = _make(guarded)

    assert guarded.ask("write elsewhere", f"/api/v1/runs/q/shares/{made['id']}", "DELETE").status_code == 404
    assert guarded.running.client.get(made["path"]).status_code == 303


@pytest.mark.parametrize("path", ["/shared/x", f"/shared/{draw().token}"])
def test_what_is_no_link_opens_nothing(guarded: Guarded, path: str) -> None:
    assert guarded.running.client.get(path).status_code == 404


def test_a_link_is_no_token_and_a_token_no_link(guarded: Guarded) -> None:
    secret = _make(guarded)["path"].removeprefix("/shared/")
    token = guarded.headers["admin"]["Authorization"].split()[1]

    assert guarded.running.client.get("/api/v1/runs/r", headers=bearer(secret)).status_code == 401
    assert guarded.running.client.get(f"/shared/{token}").status_code == 404


@pytest.mark.parametrize("days", ["0", "-1", "366", "nan"])
def test_a_link_lasts_a_year_at_most(guarded: Guarded, days: str) -> None:
    assert guarded.ask("write here", f"/api/v1/runs/r/shares?days={days}", "POST").status_code == 422


def test_there_is_no_link_to_what_is_not_there(guarded: Guarded) -> None:
    assert guarded.ask("write", "/api/v1/runs/nobody/shares", "POST").status_code == 404
    assert guarded.ask("write", "/api/v1/runs/nobody/shares").status_code == 404
