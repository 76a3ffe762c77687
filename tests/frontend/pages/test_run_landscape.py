"""The panel on the loss around the weights, from the button to the drawn slice."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.frontend import canned, fake_slices
from tests.frontend.sight import Served, trace, wait_until

pytestmark = pytest.mark.browser


def test_a_slice_is_asked_for_by_a_button_and_drawn_as_its_rows_come(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    run = canned.settled()
    page = serve([run]).open(context, "/runs/settled?tab=curvature")
    card = page.get_by_test_id("landscape")
    drawn = page.locator("#landscape-chart .js-plotly-plot .scatterlayer .trace")
    expect(card).to_contain_text("Nobody has asked yet")

    card.get_by_role("button", name="Measure a slice").click()
    expect(card).to_contain_text("The job has heard of it")
    expect(card.get_by_role("button")).to_have_text("Withdraw")
    run.slices[0] |= {"state": "measuring", "landscape": fake_slices.line(rows=7)}
    run.news.append("slice")
    expect(card.locator(".a > b")).to_have_text("7 of 21")
    expect(drawn.first).to_be_visible()
    run.slices[0] |= {"state": "done", "landscape": fake_slices.line()}
    run.news.append("slice")

    expect(card.locator(".a > b")).to_have_text("8.4 %")
    expect(card.get_by_role("button")).to_be_visible()
    assert len(trace(page, "landscape-chart", 0)["y"]) == 21


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"state": "open"}, "Not measured: it was withdrawn."),
        ({"state": "measuring", "landscape": fake_slices.line(rows=9)}, "Cut short: it was withdrawn."),
    ],
)
def test_a_question_is_withdrawn_and_another_can_be_asked(
    serve: Callable[..., Served], context: BrowserContext, fields: dict[str, object], said: str
) -> None:
    run = canned.settled()
    page = serve([run]).open(context, "/runs/settled?tab=curvature")
    card = page.get_by_test_id("landscape")
    card.get_by_role("button", name="Measure a slice").click()
    expect(card).to_contain_text("The job has heard of it")
    run.slices[0] |= fields
    run.news.append("slice")

    card.get_by_role("button", name="Withdraw").click()

    expect(card).to_contain_text(said)
    expect(card.get_by_role("button")).to_have_text("Measure a slice")


def test_one_that_was_answered_meanwhile_is_shown_and_not_withdrawn(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    run = canned.settled()
    page = serve([run]).open(context, "/runs/settled?tab=curvature")
    card = page.get_by_test_id("landscape")
    card.get_by_role("button", name="Measure a slice").click()
    expect(card.get_by_role("button")).to_have_text("Withdraw")

    run.slices[0] |= {"state": "done", "landscape": fake_slices.line()}  # and the page has not heard of it yet
    card.get_by_role("button", name="Withdraw").click()

    expect(card.locator(".a > b")).to_have_text("8.4 %")
    expect(card.get_by_role("button")).to_have_text("Measure a slice")


def test_a_plane_with_both_modes_is_two_charts_and_an_ended_run_offers_no_button(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    run = canned.settled(status="finished", slices=[fake_slices.told(fake_slices.plane(running=True))])
    page = serve([run]).open(context, "/runs/settled?tab=curvature")

    wait_until(page, "document.querySelectorAll('#landscape-charts .heatmaplayer .hm').length === 2")

    expect(page.get_by_test_id("landscape").locator(".a > b")).to_have_text("17 %")
    expect(page.locator("#landscape-ask")).to_be_hidden()


def test_the_directions_and_the_kind_that_are_chosen_are_asked_for(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    run = canned.settled()
    page = serve([run]).open(context, "/runs/settled?tab=curvature")
    card = page.get_by_test_id("landscape")

    card.get_by_text("plane", exact=True).click()
    card.get_by_text("last update", exact=True).click()
    card.get_by_role("button", name="Measure a slice").click()
    expect(card).to_contain_text("The job has heard of it")

    asked = run.slices[0]["request"]
    assert isinstance(asked, dict)
    assert (asked["dimensions"], asked["axes"]) == (2, "update")


def test_what_the_service_refuses_stands_beside_the_button(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    run = canned.settled(slices=[fake_slices.told(fake_slices.line())])
    page = serve([run]).open(context, "/runs/settled?tab=curvature")
    card = page.get_by_test_id("landscape")
    button = card.get_by_role("button", name="Measure a slice")
    expect(button).to_be_visible()

    run.status = "finished"  # and the page has not heard of it yet
    button.click()

    expect(card).to_contain_text("the run has ended; nothing can measure it")
    expect(card.locator(".a > b")).to_have_text("8.4 %")
    expect(page.locator("#landscape-chart .js-plotly-plot")).to_be_visible()


def test_a_slice_that_was_cut_short_keeps_what_was_measured(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    told = fake_slices.told(fake_slices.line(rows=9), state="refused")
    run = canned.settled(status="crashed", slices=[told | {"reason": "the run ended before it was measured"}])
    page = serve([run]).open(context, "/runs/settled?tab=curvature")
    card = page.get_by_test_id("landscape")

    expect(card).to_contain_text("Cut short: the run ended before it was measured.")
    expect(card.locator(".a > b")).to_have_text("9 of 21")
    expect(page.locator("#landscape-chart .scatterlayer .trace").first).to_be_visible()
