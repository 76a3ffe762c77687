"""A run's layers and series as a reader meets them: what is there, what is rare, and what is absent."""

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, expect

from tests.frontend import canned
from tests.frontend.fake_service import FakeRun
from tests.frontend.sight import Served, wait_for_step, wait_until

pytestmark = pytest.mark.browser
LOSS = "stabilization-chart"


def _rich() -> FakeRun:
    """A young run with a quantity by module, one thinned, and one of which all that was said is how rare it is."""
    run = canned.young(steps=400)
    run.series["zero_fraction/relu1"] = np.full(run.series["loss"].size, 0.25)
    told = {"quantities": ["weight_norm"], "before": 1, "period": 16, "cost": 0.0031, "clean_step": 0.1, "budget": 0.02}
    run.events = [{"kind": "thinned", "wall": 1.0, "step": 65, "text": "rarely", "data": told}]
    return run


def test_layers_offer_what_the_run_has_and_open_what_a_name_has(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    page = serve([_rich()]).open(context, "/runs/young?tab=layers&of=weight_norm")
    drawn = "name => document.querySelector('#layers-tall .js-plotly-plot')?.layout?.meta?.rows?.includes(name)"
    wait_until(page, drawn, "conv1.weight")
    expect(page.locator("#layers-chooser a")).to_have_text(
        ["gradient norm", "weight norm", "relative update", "zero activations"]
    )
    expect(page.locator("#layers-tall-sub")).to_contain_text("every 16 steps: one takes 3.1 ms, the budget is 2 %")
    heat = page.locator("#layers-tall .nsewdrag")

    heat.click(position={"x": 60, "y": 4})  # the highest row: the last layer

    wait_for_step(page, "layer-weight_norm", 400)
    expect(page.locator("#layer-name h2")).to_have_text("head.weight")
    expect(page.locator("#layer-body .q:visible h2")).to_have_count(3)
    expect(page.locator("#layer-weight_norm-foot")).to_contain_text("every 16 steps")
    page.get_by_role("link", name="zero activations").click()
    wait_until(page, drawn, "relu1")
    heat.click(position={"x": 60, "y": 60})
    wait_for_step(page, "layer-zero_fraction", 400)
    expect(page.locator("#layer-body .q:visible h2")).to_have_count(1)
    assert "of=zero_fraction" in page.url and "layer=relu1" in page.url


def test_what_is_not_measured_says_why_where_its_chart_would_be(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    served = serve([_rich()])

    layers = served.open(context, "/runs/young?tab=layers&of=stable_rank")
    expect(layers.locator("#layers-tall")).to_contain_text("absent, because")
    series = served.open(context, "/runs/young?tab=series&of=operations")  # the first is then hidden, and stands still

    missing = "absent, because no smoothed copy of the loss is kept"
    expect(series.get_by_test_id("unseen")).to_contain_text(missing)


def test_a_thinned_series_says_so_on_the_overview_and_among_the_series(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    run = _rich()
    run.events[0]["data"]["quantities"] = ["grad_norm"]  # type: ignore[index]  # a table
    served = serve([run])
    words = "every 16 steps: one takes 3.1 ms, the budget is 2 %"

    overview, series = served.open(context, "/runs/young"), served.open(context, "/runs/young?tab=series")

    expect(overview.locator("#stationarity-foot")).to_contain_text(words)
    expect(overview.locator("#layers-sub")).to_contain_text(words)
    expect(series.locator("#series-0-foot")).to_contain_text(words)


def test_the_tabs_keep_the_steps_that_the_charts_are_held_to(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    page = serve([canned.settled()]).open(context, "/runs/settled?first=9000")
    wait_for_step(page, LOSS, 18_240)

    page.get_by_role("link", name="Layers").click()
    page.get_by_role("link", name="weight norm").click()

    page.wait_for_url("**of=weight_norm**")
    assert "first=9000" in page.url
