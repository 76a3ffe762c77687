"""A service that asks who comes in: a job with a token, and somebody who logs in and out in a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from ergoscope_server.people.passwords import hash_password
from ergoscope_server.people.tokens import draw
from ergoscope_server.store.people import People
from ergoscope_server.store.store import Store
from tests.end_to_end.conftest import Service, until

pytestmark = pytest.mark.browser
PASSWORD = "correct horse"
JOB = """
import ergoscope, sys
run = ergoscope.init(project=sys.argv[1], name=sys.argv[2], give_up_s=float(sys.argv[3]))
for step in range(50):
    run.log({"loss": 1 / (1 + step)})
run.finish()
"""


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("ERGOSCOPE_ACCESS", "closed")
    service = Service(tmp_path)
    yield service
    service.close()


@pytest.fixture
def people(closed: Service) -> Iterator[People]:
    store = Store(closed.settings.store_url)
    people = People(store.database)
    people.add_account("ada", hash_password(PASSWORD), admin=False)
    people.set_role("ada", "ours", "viewer")
    yield people
    store.close()


def _token(people: People, scopes: str, project: str | None = None) -> str:
    secret = draw()
    people.add_token(secret.id, secret.digest, name="", scopes=scopes, project=project)
    return secret.token


def _log_in(page: Page, password: str = PASSWORD, *, name: str = "ada") -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def test_a_person_sees_the_runs_of_their_project_once_they_are_logged_in(
    closed: Service, people: People, context: BrowserContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERGOSCOPE_API_KEY", _token(people, "write read"))
    for project, name in (("ours", "calm-otter-41"), ("theirs", "grim-heron-13")):
        assert closed.job(JOB, project, name, "20").wait(60) == 0
    until(lambda: len(closed.api.runs()) == 2, what="both runs")
    page = context.new_page()

    page.goto(f"{closed.url}/compare?runs=a")
    assert page.url == f"{closed.url}/login?next=/compare%3Fruns%3Da"
    _log_in(page, "wrong horse")
    expect(page.get_by_role("alert")).to_have_text("Name and password do not belong together.")
    _log_in(page)
    page.wait_for_url(f"{closed.url}/compare?runs=a")

    page.goto(closed.url)
    expect(page.get_by_text("calm-otter-41")).to_be_visible()
    assert page.get_by_text("grim-heron-13").count() == 0
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(f"{closed.url}/login")
    page.goto(closed.url)
    assert page.url == f"{closed.url}/login?next=/"


def test_somebody_without_an_account_sees_the_one_run_that_a_link_is_to(
    closed: Service, people: People, context: BrowserContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERGOSCOPE_API_KEY", _token(people, "write read"))
    for name in ("calm-otter-41", "grim-heron-13"):
        assert closed.job(JOB, "ours", name, "20").wait(60) == 0
    shown = until(lambda: closed.api.run("calm-otter-41"), what="the run that is shared")
    hidden = until(lambda: closed.api.run("grim-heron-13"), what="the other run")
    secret = draw()
    people.add_share(secret.id, secret.digest, run=shown.id, who="ada", lasts_s=60.0)
    page = context.new_page()

    page.goto(f"{closed.url}/shared/{secret.token}")

    assert page.url == f"{closed.url}/runs/{shown.id}"
    expect(page.get_by_role("heading", name="calm-otter-41")).to_be_visible()
    page.goto(f"{closed.url}/runs/{hidden.id}")
    expect(page.get_by_text(f"there is no run '{hidden.id}'").first).to_be_visible()
    page.goto(closed.url)
    expect(page.get_by_role("button", name="Theme")).to_be_visible()
    assert page.get_by_text("calm-otter-41").count() == page.get_by_text("grim-heron-13").count() == 0


def test_a_viewer_is_offered_no_change_and_an_admin_archives_shares_and_deletes(
    closed: Service, people: People, browser: Browser, context: BrowserContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.add_account("bob", hash_password(PASSWORD), admin=False)
    people.set_role("bob", "ours", "admin")
    monkeypatch.setenv("ERGOSCOPE_API_KEY", _token(people, "write read"))
    assert closed.job(JOB, "ours", "calm-otter-41", "20").wait(60) == 0
    run = until(lambda: closed.api.run("calm-otter-41"), what="the run")
    viewer, admin = context.new_page(), browser.new_context().new_page()
    for page, name in ((viewer, "ada"), (admin, "bob")):
        page.goto(f"{closed.url}/login?next=/runs/{run.id}%3Ftab%3Devents")  # no charts, which take long
        _log_in(page, name=name)
        page.get_by_text("Actions", exact=True).click()

    expect(viewer.get_by_role("link", name="CSV")).to_be_visible()
    expect(viewer.locator("#run-menu .items").get_by_role("button")).to_have_count(0)
    admin.get_by_role("button", name="Archive", exact=True).click()
    expect(admin.get_by_text("is archived, and off the list")).to_be_visible()
    assert closed.api.runs() == [] and [one.id for one in closed.api.runs(archived=True)] == [run.id]
    admin.get_by_text("Actions", exact=True).click()
    admin.get_by_role("button", name="Share by a link").click()
    admin.get_by_role("button", name="Make a link").click()
    link = admin.locator("#share-link").inner_text()
    guest = browser.new_context().new_page()
    guest.goto(link)
    expect(guest.get_by_role("heading", name="calm-otter-41")).to_be_visible()
    admin.get_by_role("button", name="Close").click()
    admin.get_by_text("Actions", exact=True).click()
    admin.get_by_role("button", name="Delete …").click()
    admin.get_by_label("Type calm-otter-41 to confirm").fill("calm-otter-41")
    admin.get_by_role("button", name="Delete for good").click()

    expect(admin.get_by_text("Deleted calm-otter-41.")).to_be_visible()
    expect(viewer.locator("#run-sentence")).to_contain_text("There is no such run")
    expect(viewer.get_by_text("Actions", exact=True)).to_be_hidden()
    assert guest.goto(link).status == 404  # type: ignore[union-attr]  # it answers
    assert [change.who for change in people.changes()] == ["bob"] * 3
    for page in (admin, guest):
        page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_login_fits_a_small_screen_light_and_dark(closed: Service, browser: Browser, scheme: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 780}, color_scheme=scheme)  # type: ignore[arg-type]  # one of the two
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda said: problems.append(said.text))

    page.goto(f"{closed.url}/login?said=locked")

    expect(page.get_by_role("alert")).to_be_visible()
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(247, 247, 245)", "dark": "rgb(16, 18, 20)"}[scheme]
    assert [text for text in problems if "favicon" not in text] == []
    context.close()


def test_a_job_without_a_token_goes_on_says_what_to_do_and_is_delivered_later(
    closed: Service, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ERGOSCOPE_API_KEY", raising=False)
    assert closed.job(JOB, "ours", "calm-otter-41", "0").wait(60) == 0

    monkeypatch.setenv("ERGOSCOPE_API_KEY", _token(people, "write read", "ours"))
    assert closed.job("from ergoscope.cli import main; main(['sync'])").wait(60) == 0

    (run,) = closed.api.runs()
    assert (run.name, run.status) == ("calm-otter-41", "finished")
    assert len(run.series("loss").steps) == 50
