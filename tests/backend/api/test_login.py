"""Logging in by a form, what a cookie is good for, and logging out."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ergoscope_server.people.passwords import hash_password
from ergoscope_server.settings import Settings
from tests.backend.api.conftest import serving
from tests.backend.api.roles import OURS, Guarded, guarding

PASSWORD = "correct horse"
FORM = {"name": "ada", "password": PASSWORD}


@pytest.fixture(scope="module")
def hashed() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
def guarded(tmp_path: Path, hashed: str) -> Iterator[Guarded]:
    with guarding(tmp_path) as service:
        service.people.add_account("ada", hashed, admin=False)
        service.people.set_role("ada", OURS, "member")
        yield service


@pytest.fixture
def browser(guarded: Guarded) -> Iterator[httpx.Client]:
    """A client that is logged in and keeps its cookie."""
    with httpx.Client(base_url=guarded.running.url, timeout=20) as client:
        assert client.post("/login", data=FORM).headers["location"] == "/"
        yield client


def test_a_login_gives_a_cookie_that_scripts_and_other_sites_do_not_get(guarded: Guarded) -> None:
    answer = guarded.running.client.post("/login", data={**FORM, "next": "/runs/r?tab=layers"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/runs/r?tab=layers")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("ergoscope_session=ergo_")
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie
    assert "Secure" not in cookie  # this one came without TLS, where a secure cookie would not be kept


def test_by_tls_the_cookie_is_secure(guarded: Guarded) -> None:
    answer = guarded.running.client.post("/login", data=FORM, headers={"X-Forwarded-Proto": "https"})

    assert "Secure" in answer.headers["set-cookie"]


def test_under_a_name_that_is_reached_by_tls_the_cookie_is_secure(tmp_path: Path, hashed: str) -> None:
    settings = Settings(data_dir=tmp_path, page=False, public_url="https://ergo.example.org")
    with serving(settings) as running:
        Guarded(running).people.add_account("ada", hashed, admin=False)
        answer = running.client.post("/login", data=FORM, headers={"Host": "ergo.example.org"})

    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize("wanted", ["https://evil.example", "//evil.example", "/\\evil.example", "", "/a\nb"])
def test_a_login_leads_nowhere_else(guarded: Guarded, wanted: str) -> None:
    answer = guarded.running.client.post("/login", data={**FORM, "next": wanted})

    assert answer.headers["location"] == "/"


def test_who_is_logged_in_reads_and_writes_what_their_role_allows(guarded: Guarded, browser: httpx.Client) -> None:
    origin = {"Origin": guarded.running.url}

    assert [run["id"] for run in browser.get("/api/v1/runs").json()["runs"]] == ["r"]
    assert browser.post("/api/v1/runs/r/slices", headers=origin).status_code == 201
    assert browser.get("/metrics").status_code == 403
    me = browser.get("/api/v1/me").json()
    assert me == {"name": "ada", "account": "ada", "everywhere": [], "projects": {OURS: ["read", "write"]}}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_write_with_a_cookie_must_come_from_a_page_of_the_service(browser: httpx.Client, method: str) -> None:
    path = f"/api/v1/runs/r/{'slices' if method == 'POST' else 'archive'}"

    bare = browser.request(method, path)
    foreign = browser.request(method, path, headers={"Origin": "https://evil.example"})
    opaque = browser.request(method, path, headers={"Origin": "null"})

    assert [bare.status_code, foreign.status_code, opaque.status_code] == [403, 403, 403]
    assert bare.json()["detail"] == (
        "a write with a cookie must name its origin, as browsers do; programs send a token instead"
    )


def test_logging_out_ends_the_session_and_not_only_the_cookie(guarded: Guarded, browser: httpx.Client) -> None:
    session = browser.cookies["ergoscope_session"].split("_")[1]
    assert guarded.people.session(session) is not None

    answer = browser.post("/logout")

    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert not browser.cookies
    assert guarded.people.session(session) is None


def test_logging_out_without_being_in_does_no_harm(guarded: Guarded) -> None:
    assert guarded.running.client.post("/logout").status_code == 303
    assert guarded.running.client.post("/logout", headers={"Cookie": "ergoscope_session=x"}).status_code == 303


def test_a_wrong_password_says_so_without_saying_what_is_wrong(guarded: Guarded) -> None:
    client = guarded.running.client

    wrong = client.post("/login", data={**FORM, "password": "wrong horse", "next": "/compare"})
    nobody = client.post("/login", data={**FORM, "name": "nobody", "next": "/compare"})

    assert wrong.headers["location"] == nobody.headers["location"] == "/login?said=wrong&next=/compare"
    assert "set-cookie" not in wrong.headers


def test_too_many_attempts_are_told_and_the_right_password_waits_too(guarded: Guarded) -> None:
    for _ in range(10):
        guarded.people.count_attempt(["account ada"], within_s=900.0)

    answer = guarded.running.client.post("/login", data=FORM)

    assert answer.headers["location"] == "/login?said=locked&next=/"


def test_a_form_that_is_too_long_is_refused(guarded: Guarded) -> None:
    answer = guarded.running.client.post("/login", data={**FORM, "next": "x" * 9000})

    assert answer.status_code == 413
    assert answer.json()["detail"] == "the form has more than 8192 bytes; a name and a password have fewer"


def test_a_form_of_anything_else_logs_nobody_in(guarded: Guarded) -> None:
    client = guarded.running.client
    bodies = [b"", b"\xff\xfe=%ff", b"&".join([b"a=b"] * 100), b"name=ada&password"]

    answers = [client.post("/login", content=body) for body in bodies]

    assert [answer.headers["location"] for answer in answers] == ["/login?said=wrong&next=/"] * len(bodies)


def test_a_form_of_another_site_is_refused(guarded: Guarded) -> None:
    answer = guarded.running.client.post("/login", data=FORM, headers={"Origin": "https://evil.example"})

    assert answer.status_code == 403


def test_a_session_that_is_over_says_where_to_log_in(guarded: Guarded) -> None:
    client = guarded.running.client
    refused = client.get("/api/v1/runs", headers={"Cookie": "ergoscope_session=ergo_00aa11bb22cc_" + "x" * 43})

    assert refused.status_code == 401
    assert refused.json()["detail"] == "nobody is logged in here any more; log in at /login"


def test_neither_password_nor_cookie_is_logged(
    guarded: Guarded, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(0)
    client = guarded.running.client
    cookie = client.post("/login", data=FORM).cookies["ergoscope_session"]
    client.post("/login", data={**FORM, "password": "wrong horse"})
    client.get("/api/v1/runs")

    ours = [record for record in caplog.records if not record.name.startswith("http")]  # the test's own client
    written = "".join(capfd.readouterr()) + "".join(f"{record.getMessage()}{vars(record)}" for record in ours)
    assert PASSWORD not in written and "wrong horse" not in written
    assert cookie.split("_", 2)[2] not in written
