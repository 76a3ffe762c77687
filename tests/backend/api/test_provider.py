"""Logging in at a provider, from the button to the session, and what may go wrong on the way."""

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from ergoscope_server.settings import Settings
from ergoscope_server.store.people import People
from tests.backend.api.conftest import Running, serving
from tests.backend.openid import CLIENT, SECRET, SUBJECT, OpenId, new_key, providing


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenId]:
    with providing() as openid:
        yield openid


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, provider: OpenId) -> Iterator[Running]:
    with serving(_settings(tmp_path_factory.mktemp("provider"), provider)) as running:
        yield running


def _settings(folder: Path, provider: OpenId, **more: str) -> Settings:
    named = {"oidc_issuer": provider.url, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET, **more}
    return Settings(data_dir=folder, access="closed", page=False, **named)  # type: ignore[arg-type]  # texts all


@pytest.fixture
def openid(provider: OpenId, service: Running) -> Iterator[OpenId]:
    """The provider, with whatever a test makes it say taken back afterwards."""
    before = dict(vars(provider))
    provider.claims = {"sub": SUBJECT, "preferred_username": "ada"}
    yield provider
    vars(provider).update(before)
    _people(service).forgive("", "address 127.0.0.1")


@pytest.fixture
def browser(service: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=20, verify=False) as client:
        yield client


def _people(service: Running) -> People:
    return People(service.service.store.database)


def _go(browser: httpx.Client, wanted: str = "/") -> str:
    """Be sent to the provider, let in there, and give the address that it sends the browser back to."""
    there = browser.get("/login/provider", params={"next": wanted})
    assert there.status_code == 303
    return httpx.get(there.headers["location"], verify=False).headers["location"]


def _log_in(browser: httpx.Client, wanted: str = "/") -> httpx.Response:
    return browser.get(_go(browser, wanted))


def _said(answer: httpx.Response) -> str:
    """What the login page will say; nobody is logged in then."""
    assert answer.status_code == 303
    assert "ergoscope_session" not in answer.headers.get("set-cookie", "")
    parts = urlsplit(answer.headers["location"])
    assert parts.path == "/login"
    return parse_qs(parts.query)["said"][0]


def test_whom_the_provider_lets_in_is_logged_in_as_by_a_password(
    service: Running, openid: OpenId, browser: httpx.Client
) -> None:
    openid.claims["sub"] = "success"
    first = _log_in(browser, "/runs/r?tab=layers")
    people = _people(service)
    people.set_role("ada", "*", "viewer")
    again = _log_in(browser, "/runs/r?tab=layers")

    assert first.headers["location"] == "/login?said=waiting&next=/"  # known now, and may do nothing yet
    assert again.headers["location"] == "/runs/r?tab=layers"
    cookies = again.headers.get_list("set-cookie")
    assert (
        cookies[0].startswith("ergoscope_session=ergo_") and "HttpOnly" in cookies[0] and "SameSite=lax" in cookies[0]
    )
    assert cookies[1].startswith('ergoscope_login=""; ') and "Path=/login/provider" in cookies[1]
    assert browser.get("/api/v1/me").json()["account"] == "ada"
    known = people.person_of(openid.url, "success")
    assert known is not None and (known.name, known.password) == ("ada", "")
    assert [change.what for change in people.changes()] == [f"account ada made by a first login at {openid.url}"]


def test_what_the_browser_keeps_meanwhile_is_for_the_way_back_alone(openid: OpenId, browser: httpx.Client) -> None:
    cookie = browser.get("/login/provider").headers["set-cookie"]

    assert cookie.startswith("ergoscope_login=")
    assert {"HttpOnly", "Max-Age=600", "Path=/login/provider", "SameSite=lax"} <= set(cookie.split("; "))


def test_people_are_told_apart_by_their_subject_and_not_by_what_they_are_called(
    service: Running, openid: OpenId, browser: httpx.Client
) -> None:
    people = _people(service)
    people.add_account("bob", "h", admin=True)
    openid.claims = {"sub": "other bob", "preferred_username": "bob", "email": "bob@example.org"}
    _log_in(browser)
    openid.claims = {"sub": "other bob", "preferred_username": "robert"}
    _log_in(browser)

    mine = people.person_of(openid.url, "other bob")
    assert mine is not None and (mine.name, mine.admin) == ("bob-2", False)
    assert people.account("robert") is None
    assert browser.get("/api/v1/me").status_code == 403


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"nonce": "of another login"}, "Invalid claim: 'nonce'"),
        ({"nonce": None}, "Missing claim: 'nonce'"),
        ({"aud": "another service"}, "Invalid claim: 'aud'"),
        ({"aud": [CLIENT, "another service"], "azp": "another service"}, "Invalid claim: 'azp'"),
        ({"aud": None}, "Missing claim: 'aud'"),
        ({"iss": "https://another.example"}, "Invalid claim: 'iss'"),
        ({"exp": int(time.time()) - 120}, "The token is expired"),
        ({"exp": None}, "Missing claim: 'exp'"),
        ({"exp": "tomorrow"}, "'exp' must be a NumericDate"),
        ({"iat": int(time.time()) + 3600}, "was issued in the future"),
        ({"sub": None}, "Missing claim: 'sub'"),
        ({"sub": ""}, "the subject is ''; it must have from 1 to 255 printable characters"),
        ({"sub": "x" * 256}, "the subject is 'xxx"),
        ({"at_hash": "another"}, "Invalid claim: 'at_hash'"),
    ],
)
def test_a_token_that_is_not_good_logs_nobody_in(
    openid: OpenId, browser: httpx.Client, caplog: pytest.LogCaptureFixture, claims: dict[str, object], why: str
) -> None:
    openid.claims.update(claims)

    assert _said(_log_in(browser)) == "unproven"
    assert why in caplog.text


def test_a_token_by_another_key_logs_nobody_in(
    openid: OpenId, browser: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    openid.signed_by = new_key("first")

    assert _said(_log_in(browser)) == "unproven"
    assert "nobody was logged in by the provider: the id_token is not good: BadSignatureError" in caplog.text


def test_a_key_that_is_new_is_asked_for_once(openid: OpenId, browser: httpx.Client) -> None:
    _log_in(browser)
    openid.key, openid.asked = new_key("second"), []

    assert _log_in(browser).headers["location"] == "/login?said=waiting&next=/"
    assert openid.asked == ["/authorize", "/token", "/keys"]  # and what it says of itself is known


@pytest.mark.parametrize("state", ["another", "é\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), ""])
def test_another_state_logs_nobody_in_and_asks_nothing(openid: OpenId, browser: httpx.Client, state: str) -> None:
    code = parse_qs(urlsplit(_go(browser)).query)["code"][0]
    openid.asked = []

    answer = browser.get("/login/provider/back", params={"state": state, "code": code})

    assert _said(answer) == "lapsed"
    assert openid.asked == []


def test_a_page_of_others_that_sends_a_browser_here_keeps_nobody_out(service: Running, browser: httpx.Client) -> None:
    for _ in range(3):
        assert _said(browser.get("/login/provider/back?code=a&state=b")) == "lapsed"

    assert _people(service).attempts(["address 127.0.0.1"], within_s=900.0).get("address 127.0.0.1", 0) == 0


def test_a_login_that_another_browser_began_is_not_finished_here(openid: OpenId, browser: httpx.Client) -> None:
    back = _go(browser)
    with httpx.Client(timeout=20, verify=False) as another:
        assert _said(another.get(back)) == "lapsed"
        another.cookies.set("ergoscope_login", "made.up.entirely")
        assert _said(another.get(back)) == "lapsed"


def test_a_code_is_good_once(openid: OpenId, browser: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    back, kept = _go(browser), dict(browser.cookies)
    browser.get(back)

    assert _said(httpx.get(back, cookies=kept, verify=False)) == "unproven"
    assert "the provider does not take its code: OAuthError: invalid_grant" in caplog.text


def test_who_is_not_let_in_there_is_told_so(openid: OpenId, browser: httpx.Client) -> None:
    openid.refuses = "access_denied"

    assert _said(_log_in(browser)) == "declined"


def test_without_a_code_nobody_is_logged_in(openid: OpenId, browser: httpx.Client) -> None:
    back = _go(browser).partition("&code=")[0]

    assert _said(browser.get(back)) == "unproven"


def test_a_provider_that_goes_down_meanwhile_is_told(
    openid: OpenId, browser: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    back = _go(browser)
    openid.key, openid.down = new_key("third"), True  # which must be asked for

    assert _said(browser.get(back)) == "away"
    assert f"{openid.url} does not answer: HTTPStatusError" in caplog.text


@pytest.mark.parametrize(
    "wanted", ["https://evil.example", "//evil.example", "/\\evil.example", "", "/a\nb", "/" * 9000]
)
def test_a_login_leads_nowhere_else(service: Running, openid: OpenId, browser: httpx.Client, wanted: str) -> None:
    _log_in(browser)
    people = _people(service)
    person = people.person_of(openid.url, SUBJECT)
    assert person is not None
    people.set_role(person.name, "*", "viewer")

    assert _log_in(browser, wanted).headers["location"] == "/"


def test_who_is_kept_out_stays_out(service: Running, openid: OpenId, browser: httpx.Client) -> None:
    openid.claims["sub"] = "kept out"
    _log_in(browser)
    people = _people(service)
    person = people.person_of(openid.url, "kept out")
    assert person is not None
    people.set_disabled(person.name, disabled=True)

    assert _said(_log_in(browser)) == "out"


def test_too_many_that_were_nobody_wait_and_the_provider_is_not_asked(
    service: Running, openid: OpenId, browser: httpx.Client
) -> None:
    people = _people(service)
    back = _go(browser)
    for _ in range(50):
        people.count_attempt(["address 127.0.0.1"], within_s=900.0)
    openid.asked = []

    answer = browser.get(back)
    for _ in range(60):
        people.forgive("", "address 127.0.0.1")

    assert _said(answer) == "locked"
    assert openid.asked == []


def test_a_provider_that_is_down_is_told_and_asked_again(tmp_path: Path) -> None:
    with (
        providing() as openid,
        serving(_settings(tmp_path, openid, oidc_role="member")) as running,
        httpx.Client(base_url=running.url, timeout=20, verify=False) as browser,
    ):
        openid.down = True
        down = browser.get("/login/provider", params={"next": "/compare"})
        openid.down = False
        up = _log_in(browser, "/compare")
        me = browser.get("/api/v1/me").json()

    assert down.headers["location"] == "/login?said=away&next=/compare"
    assert up.headers["location"] == "/compare"  # as the settings give who is new a role
    assert me["everywhere"] == ["read", "write"]


def test_the_provider_sends_browsers_back_to_the_address_that_they_know(tmp_path: Path, provider: OpenId) -> None:
    settings = _settings(tmp_path, provider, public_url="https://ergo.example.org")
    with serving(settings) as running:
        there = running.client.get("/login/provider", headers={"Host": "ergo.example.org"})

    asked = parse_qs(urlsplit(there.headers["location"]).query)
    assert asked["redirect_uri"] == ["https://ergo.example.org/login/provider/back"]
    assert "Secure" in there.headers["set-cookie"]


@pytest.mark.parametrize("path", ["/login/provider", "/login/provider/back?code=a&state=b"])
def test_without_a_provider_there_is_no_such_way_in(running: Running, path: str) -> None:
    answer = running.client.get(path)

    assert answer.status_code == 404
    assert answer.json()["detail"] == (
        "people log in with a password here; ERGOSCOPE_OIDC_ISSUER would name a provider"
    )
