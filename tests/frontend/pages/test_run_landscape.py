"""The panel on the loss around the weights, from the button to the drawn slice."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.frontend import canned, fake_slices
from tests.frontend.sight import Served, trace

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
    expect(card).to_contain_text("the job has heard of it and not begun")
    expect(card.get_by_role("button")).to_be_hidden()
    run.slices[0] |= {"state": "measuring", "landscape": fake_slices.line(rows=7)}
    run.news.append("slice")
    expect(card).to_contain_text("point 7 of 21")
    expect(drawn.first).to_be_visible()
    run.slices[0] |= {"state": "done", "landscape": fake_slices.line()}
    run.news.append("slice")

    expect(card.locator(".a > b")).to_have_text("8.4 %")
    expect(card.get_by_role("button")).to_be_visible()
    assert len(trace(page, "landscape-chart", 0)["y"]) == 21


def test_a_plane_with_both_modes_is_two_charts_and_an_ended_run_offers_no_button(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    run = canned.settled(status="finished", slices=[fake_slices.told(fake_slices.plane(running=True))])
    page = serve([run]).open(context, "/runs/settled?tab=curvature")

    page.wait_for_function("document.querySelectorAll('#landscape-charts .heatmaplayer .hm').length === 2")

    expect(page.get_by_test_id("landscape").locator(".a > b")).to_have_text("17 %")
    expect(page.locator("#landscape-ask")).to_be_hidden()
