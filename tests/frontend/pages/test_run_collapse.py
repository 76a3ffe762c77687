"""The card of collapse on the Layers tab."""

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, expect

from tests.frontend import canned
from tests.frontend.fake_service import FakeRun
from tests.frontend.sight import Served, trace, wait_until

pytestmark = pytest.mark.browser
ENDS = {"nc1": 0.08, "nc2_norm": 0.05, "nc2_angle": 0.04, "nc3": 0.12, "nc4": 0.0, "nc_examples": 61.0}


def with_collapse() -> FakeRun:
    """The settled run, of whose last features collapse was taken now and then."""
    run = canned.settled(steps=6_000)
    for name, end in ENDS.items():
        size = run.series["loss"].size
        fall = 1.0 if name == "nc_examples" else 1 + 40 * np.exp(-np.arange(size) / 900)
        sparse = np.full(size, np.nan)
        sparse[511::512] = np.broadcast_to(end * fall, size)[511::512]
        run.series[name] = sparse
        run.rare.add(name)
    return run


def test_collapse_has_a_chart_of_all_its_quantities(serve: Callable[..., Served], context: BrowserContext) -> None:
    page = serve([with_collapse()]).open(context, "/runs/settled?tab=layers")

    expect(page.locator("#collapse-card")).to_be_visible()
    expect(page.locator("#collapse-sub")).to_contain_text("61 examples")
    expect(page.locator("#collapse-legend > span")).to_have_count(5)
    wait_until(page, "() => document.querySelector('#collapse .js-plotly-plot')?.data?.length === 5")
    assert trace(page, "collapse", 0)["x"][-1] == 5632


def test_without_any_of_them_there_is_no_card(serve: Callable[..., Served], context: BrowserContext) -> None:
    page = serve([canned.settled(steps=2_000)]).open(context, "/runs/settled?tab=layers")

    page.locator("#layers-title").get_by_text("by layer").wait_for()
    expect(page.locator("#collapse-card")).to_be_hidden()
