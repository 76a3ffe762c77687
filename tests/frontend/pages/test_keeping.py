"""Archiving, deleting and sharing on the page, by whoever may, and by keyboard."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.frontend import canned
from tests.frontend.fake_service import FakeRun
from tests.frontend.sight import Served, wait_until

pytestmark = pytest.mark.browser


def _menu(page: Page) -> None:
    page.get_by_text("Actions", exact=True).click()


def test_a_run_is_archived_found_among_those_and_taken_back(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    page = serve([canned.settled(), canned.crashed()]).open(context, "/runs/settled?tab=events")
    rows = page.get_by_test_id("runs").locator("tbody tr")

    _menu(page)
    page.get_by_role("button", name="Archive", exact=True).click()
    expect(page.get_by_text("conv-sgd-0.1 is archived, and off the list.")).to_be_visible()
    expect(page.locator("#run-head").get_by_text("archived")).to_be_visible()
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(rows).to_have_count(1)
    page.get_by_role("link", name="Archived runs").click()

    expect(rows).to_contain_text(["conv-sgd-0.1"])
    assert page.url.endswith("/?archived=true")
    expect(page.get_by_test_id("runs-count")).to_contain_text("1 of 1 archived runs.")
    rows.locator(".box").click()
    page.get_by_role("button", name="Take back 1").click()
    expect(page.get_by_text("Nothing is archived")).to_be_visible()
    page.get_by_role("link", name="Back to the runs").click()
    expect(rows).to_have_count(2)


def test_a_run_is_deleted_by_keyboard_once_its_name_is_typed(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    served = serve([canned.settled(), canned.crashed()])
    page = served.open(context, "/runs/settled?tab=events")
    summary = page.locator("#run-menu summary")

    expect(summary).to_be_visible()  # what is hidden takes no focus
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Delete …")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Delete …")).to_be_hidden()
    expect(summary).to_be_focused()
    page.keyboard.press("Enter")
    page.locator("#delete-open").focus()
    page.keyboard.press("Enter")
    window = page.get_by_role("dialog", name="Delete conv-sgd-0.1?")
    expect(window).to_contain_text("18,240 steps of")
    typed, go = (
        window.get_by_label("Type conv-sgd-0.1 to confirm"),
        window.get_by_role("button", name="Delete for good"),
    )
    expect(typed).to_be_focused()
    page.keyboard.type("conv-sgd-0.")
    page.keyboard.press("Enter")
    expect(go).to_be_disabled()
    assert "settled" in served.fake.runs
    page.keyboard.type("1")
    expect(go).to_be_enabled()
    page.keyboard.press("Enter")

    expect(page.get_by_text("Deleted conv-sgd-0.1.")).to_be_visible()
    assert (page.url, list(served.fake.runs)) == (f"{served.url}/", ["crashed"])


def test_a_refusal_is_said_in_the_window_and_a_run_that_somebody_else_has_deleted_is_gone(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    served = serve([canned.settled()])
    page = served.open(context, "/runs/settled?tab=events")
    _menu(page)
    page.locator("#delete-open").click()
    page.get_by_label("Type conv-sgd-0.1 to confirm").fill("conv-sgd-0.1")
    go = page.get_by_role("button", name="Delete for good")

    served.fake.down = True
    go.click()
    expect(page.locator("#delete-problem")).to_have_text("the store is away for a moment")
    assert list(served.fake.runs) == ["settled"]
    served.fake.down = False
    served.fake.runs.pop("settled")
    go.click()

    expect(page.get_by_text("was not there any more.")).to_be_visible()
    expect(page.get_by_test_id("empty")).to_be_visible()


def test_those_that_are_chosen_and_in_sight_are_deleted_together(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    served = serve([canned.settled(), canned.crashed(), canned.diverging()])
    page = served.open(context, "/")
    boxes = page.locator("#runs-list .box")
    expect(boxes).to_have_count(3)
    for i in range(3):
        boxes.nth(i).click()
    expect(page.get_by_role("button", name="Delete 3 …")).to_be_visible()
    page.locator("#query").fill("status = crashed or")
    page.locator("#query").fill("conv")
    expect(boxes).to_have_count(2)

    page.get_by_role("button", name="Delete 2 …").click()
    page.get_by_role("button", name="Cancel").focus()
    page.keyboard.press("c")  # which elsewhere compares
    page.get_by_label("Type delete 2 runs to confirm").fill("delete 2 runs")
    page.get_by_role("button", name="Delete for good").click()

    expect(page.get_by_text("Deleted conv-sgd-0.")).to_be_visible()
    assert len(served.fake.runs) == 1
    page.locator("#query").fill("")
    expect(boxes).to_have_count(1)
    expect(page.locator("#compare-selected")).to_have_text("Compare 1")


def test_a_link_is_made_copied_listed_and_taken_back(serve: Callable[..., Served], context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    run = canned.settled()
    served = serve([run])
    page = served.open(context, "/runs/settled?tab=events")

    _menu(page)
    page.get_by_role("button", name="Share by a link …").click()
    window = page.get_by_role("dialog", name="Share this run")
    expect(window).to_contain_text("None.")
    window.get_by_text("30 days").click()
    window.get_by_role("button", name="Make a link").click()
    expect(window).to_contain_text("expires in 30 days")
    window.get_by_role("button", name="Copy").click()
    expect(window.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == f"{served.url}/shared/ergo_s0_secret"
    window.get_by_role("button", name="Take back link s0").click()

    expect(window.locator(".links")).to_have_text("None.")
    assert run.shares == []


def test_whoever_only_reads_may_export_and_is_offered_nothing_else(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    served = serve([canned.settled(), canned.crashed()])
    served.fake.rights.__init__("bob", [], {"digits": ["read"]})  # type: ignore[misc]  # as if made anew
    page = served.open(context, "/runs/settled?tab=curvature")

    _menu(page)
    items = page.locator("#run-menu .items")
    expect(items.get_by_role("link")).to_have_text(["CSV", "JSON", "Parquet"])
    expect(items.get_by_role("button")).to_have_count(0)
    assert items.get_by_role("link").first.get_attribute("href") == "/api/v1/runs/settled/export?format=csv"
    expect(page.get_by_test_id("landscape")).to_contain_text("Nobody has asked yet")
    expect(page.get_by_role("button", name="Measure a slice")).to_be_hidden()
    page.goto(served.url)
    page.locator("#runs-list .box").first.click()
    expect(page.locator("#compare-selected")).to_have_text("Compare 1")
    expect(page.locator(".bar1 button")).to_have_count(3)
    assert page.locator(".bar1 button:visible").count() == 0


def test_menu_and_windows_fit_a_small_screen(serve: Callable[..., Served], context: BrowserContext) -> None:
    page = context.new_page()
    page.set_viewport_size({"width": 390, "height": 780})
    page.goto(f"{serve([canned.settled(name='a-long-name-' * 9)]).url}/runs/settled")

    for name, window in (("share-open", "share-dialog"), ("delete-open", "delete-dialog")):
        _menu(page)
        page.locator(f"#{name}").click()
        wait_until(page, f"document.getElementById('{window}').open")
        box = page.locator(f"#{window}").bounding_box()
        assert box is not None
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
        page.keyboard.press("Escape")
        expect(page.locator("#run-menu summary")).to_be_focused()


def test_the_list_holds_the_newest_runs_and_a_search_looks_through_all(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    names = [f"sweep-{number:03}" for number in range(205)]
    runs = [
        FakeRun(name, name, 0, {}, status="finished", project="old" if name < "sweep-002" else "new") for name in names
    ]
    page = serve(runs).open(context, "/")
    rows, count = page.get_by_test_id("runs").locator("tbody tr"), page.get_by_test_id("runs-count")

    expect(rows).to_have_count(200)
    expect(count).to_contain_text("The newest 200 runs; a search looks through older ones too.")
    page.get_by_role("textbox").fill("project = new")
    expect(count).to_contain_text("203 of 205 runs. The newest 200 of them are here.")
    page.get_by_role("textbox").fill("project = old")

    expect(rows).to_have_count(2)
    expect(count).to_contain_text("2 of 205 runs.")
