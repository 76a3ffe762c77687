"""The comparison's table of norms, as a reader meets it."""

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, expect

from tests.frontend import canned
from tests.frontend.fake_service import FakeRun
from tests.frontend.sight import Served

pytestmark = pytest.mark.browser


def measured(number: int) -> FakeRun:
    """A run with a loss on other data and norms, measured now and then."""
    run = canned.settled(run=f"r{number}", name=f"mlp-wd-{number}", steps=2_000, seed=number)
    generator = np.random.default_rng(number)
    values = {
        "val/loss": run.series["loss"] + 0.05 * number,
        "norm_product": 6.0 + 0.3 * number + 0.2 * generator.standard_normal(),
        "norm_distance": 10.0 + number * generator.random(),
        "dist_from_init": 20.0 + number,
        "margin_quantile": 1.5,
    }
    for key, value in values.items():
        sparse = np.full(run.series["loss"].shape, np.nan)
        sparse[99::100] = np.broadcast_to(value, sparse.shape)[99::100]
        run.series[key] = sparse
        run.rare.add(key)
    return run


def test_ten_runs_have_their_rank_correlations(serve: Callable[..., Served], context: BrowserContext) -> None:
    runs = [measured(number) for number in range(10)]
    page = serve(runs).open(context, f"/compare?runs={','.join(run.id for run in runs)}")

    table = page.get_by_test_id("norms")
    expect(table.locator("tbody tr")).to_have_count(11)
    expect(table.locator("tbody tr").nth(3)).to_contain_text("mlp-wd-3")
    expect(table.locator("tbody tr").last).to_contain_text("Kendall τ")
    expect(page.locator("#norms-body")).to_contain_text("No such measure is a bound that is tight for every algorithm")
    head = table.locator("[data-metric=norm_distance]")
    head.focus()
    tip = head.get_by_role("tooltip")
    expect(tip).to_contain_text("Misleads when")
    box, room = tip.bounding_box(), page.locator("#norms-body").bounding_box()
    assert box is not None and room is not None
    assert box["x"] >= room["x"] and box["x"] + box["width"] <= room["x"] + room["width"] + 1


def test_of_two_runs_none_is_printed_and_their_norms_are(serve: Callable[..., Served], context: BrowserContext) -> None:
    page = serve([measured(0), measured(1)]).open(context, "/compare?runs=r1,r0")

    rows = page.get_by_test_id("norms").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("mlp-wd-1")
    expect(page.locator("#norms-body")).to_contain_text("takes 10 runs of which it is known, not 2")


def test_runs_without_any_say_so(serve: Callable[..., Served], context: BrowserContext) -> None:
    page = serve([canned.settled(), canned.diverging()]).open(context, "/compare?runs=settled,diverging")

    expect(page.locator("#norms-body")).to_contain_text("None of these runs has a norm measure")
