"""Somebody logs in at a provider, in a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from ergoscope_server.store.people import People
from ergoscope_server.store.store import Store
from tests.backend.openid import CLIENT, SECRET, SUBJECT, OpenId, providing
from tests.end_to_end.conftest import Service

pytestmark = pytest.mark.browser


@pytest.fixture
def openid() -> Iterator[OpenId]:
    with providing() as provider:
        yield provider


@pytest.fixture
def closed(tmp_path: Path, openid: OpenId, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    monkeypatch.setenv("ERGOSCOPE_ACCESS", "closed")
    monkeypatch.setenv("ERGOSCOPE_OIDC_ISSUER", openid.url)
    monkeypatch.setenv("ERGOSCOPE_OIDC_CLIENT_ID", CLIENT)
    monkeypatch.setenv("ERGOSCOPE_OIDC_CLIENT_SECRET_FILE", str(secret))
    monkeypatch.setenv("ERGOSCOPE_OIDC_NAME", "Example")
    service = Service(tmp_path)
    yield service
    service.close()


def test_who_comes_by_a_provider_sees_runs_once_they_have_a_role(
    closed: Service, openid: OpenId, context: BrowserContext
) -> None:
    store = Store(closed.settings.store_url)
    people = People(store.database)
    page = context.new_page()

    page.goto(f"{closed.url}/compare?runs=a")
    page.get_by_role("link", name="Log in with Example").click()
    expect(page.get_by_role("alert")).to_contain_text("You are known here now, and may see nothing yet.")
    person = people.person_of(openid.url, SUBJECT)
    assert person is not None
    page.goto(closed.url)
    assert page.url == f"{closed.url}/login?said=waiting&next=/"
    people.set_role(person.name, "*", "viewer")
    page.goto(f"{closed.url}/login?next=/compare%3Fruns%3Da")
    page.get_by_role("link", name="Log in with Example").click()
    page.wait_for_url(f"{closed.url}/compare?runs=a")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(f"{closed.url}/login")
    store.close()
