"""A run's curvature as a reader meets it: measured, of blocks, and not measured."""

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.frontend import canned
from tests.frontend.fake_service import FakeRun
from tests.frontend.sight import Served, wait_for_step, wait_until

pytestmark = pytest.mark.browser
ROWS = "name => document.querySelector(`#${name} .js-plotly-plot`)?.data?.[0]?.y?.length"


def _curved(part: str = "") -> FakeRun:
    run = canned.at_the_edge(steps=4_000)
    size = run.series["loss"].size
    run.series |= {f"hess_trace{part}": np.full(size, 3_000.0), f"hess_trace_error{part}": np.full(size, 200.0)}
    run.series |= {f"lambda_max{part}": np.full(size, 200.0), f"outlier_count{part}": np.full(size, 1.0)}
    run.spectra = [_spectrum(step, part) for step in range(500, 4_001, 500)]
    return run


def _spectrum(step: int, part: str) -> dict[str, object]:
    nodes = [*np.linspace(-1, 1, 30).tolist(), 50.0 + step / 500]
    return {
        "key": f"spectral_density{part}",
        "step": step,
        "nodes": nodes,
        "weights": [1.0] * len(nodes),
        "residuals": [],
        "how": "exact, on the fixed batch",
    }


def _wait_for_rows(page: Page, number: int) -> None:
    wait_until(page, f"({ROWS})('curvature-spectrum') === {number}")


def test_sharpness_trace_and_spectrum_are_on_one_tab(serve: Callable[..., Served], context: BrowserContext) -> None:
    page = serve([_curved()]).open(context, "/runs/edge")
    page.get_by_role("link", name="Curvature").click()

    _wait_for_rows(page, 10)  # eight spectra and an empty row at either end
    wait_for_step(page, "curvature-sharpness", 4_000)
    expect(page.locator("#curvature-sharpness-sub")).to_contain_text("of what the optimizer holds")
    expect(page.locator("#curvature-trace-sub")).to_contain_text("3,000 ± 200 loss/weight²")
    expect(page.locator("#curvature-spectrum-sub")).to_contain_text("beyond the bulk")
    expect(page.locator("#curvature-spectrum-foot")).to_contain_text("exact, on the fixed batch")
    expect(page.locator("#curvature-blocks-card")).to_be_hidden()


def test_nothing_moves_when_readings_arrive(serve: Callable[..., Served], context: BrowserContext) -> None:
    run = _curved()
    page = serve([run]).open(context, "/runs/edge?tab=curvature")
    _wait_for_rows(page, 10)
    wait_for_step(page, "curvature-trace", 4_000)
    places = "() => [...document.querySelectorAll('.card')].map(card => card.getBoundingClientRect().toJSON())"
    before = page.evaluate(places)

    run.spectra.append(_spectrum(4_200, ""))
    run.steps += 200
    _wait_for_rows(page, 11)
    wait_for_step(page, "curvature-trace", 4_200)

    assert page.evaluate(places) == before


def test_of_blocks_one_is_chosen_and_each_can_be(serve: Callable[..., Served], context: BrowserContext) -> None:
    run = _curved("/conv1")
    run.series |= {"lambda_max/fc": run.series["loss"], "hess_trace/fc": run.series["loss"]}
    del run.series["sharpness_ratio"]
    page = serve([run]).open(context, "/runs/edge?tab=curvature")
    _wait_for_rows(page, 10)
    expect(page.locator("#curvature-sharpness-card")).to_be_hidden()
    expect(page.locator("#curvature-blocks-sub")).to_contain_text("conv1")

    page.locator("#curvature-parts").get_by_role("link", name="fc").click()

    expect(page.locator("#curvature-spectrum")).to_contain_text("no histogram of curvatures yet")
    expect(page.locator("#curvature-trace-sub")).not_to_contain_text("3,000")
    assert "layer=fc" in page.url


def test_measures_of_steps_have_cards_and_those_without_a_value_say_why(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    run = _curved()
    size = run.series["loss"].size
    run.rare |= {"trust_ratio", "descent_balance", "descent_balance_error"}
    now_and_then = np.arange(1, size + 1) % 500 == 0
    run.series |= {
        "trust_ratio": np.where(now_and_then, 0.8, np.nan),
        "descent_balance": np.where(now_and_then, 0.4, np.nan),
        "descent_balance_error": np.where(now_and_then, 0.1, np.nan),
        "top_subspace_overlap": np.full(size, 0.85),
        "top_subspace_chance": np.full(size, 0.01),
        "top_subspace_size": np.full(size, 5.0),
    }
    why = "what a step does to the probe batch is not measured: no memory"
    told = {"quantities": ["sam_sharpness"], "absent": True}
    run.events.append({"kind": "agent", "wall": 1.0, "step": 9, "text": why, "data": told})
    page = serve([run]).open(context, "/runs/edge?tab=curvature")

    wait_for_step(page, "curvature-trust_ratio", 4_000)
    lines = "gd => gd.layout.shapes.filter(shape => shape.xref === 'paper').map(shape => shape.y0)"
    assert page.locator("#curvature-trust_ratio .js-plotly-plot").evaluate(lines) == [1, 0.5, 0]
    expect(page.locator("#curvature-trust_ratio")).to_contain_text("½: best along the step")
    expect(page.locator("#curvature-descent_balance-foot")).to_contain_text("band ± standard error")
    expect(page.locator("#curvature-top_subspace_overlap")).to_contain_text("chance, k = 5")
    expect(page.locator("#curvature-sam_sharpness-card")).to_be_hidden()
    expect(page.locator("#curvature-unseen")).to_contain_text(f"absent, because {why}")


def test_a_run_that_has_a_probe_but_no_curvature_shows_its_steps(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    run = canned.young()
    run.series["descent_balance"] = run.series["loss"]
    page = serve([run]).open(context, "/runs/young?tab=curvature")

    wait_for_step(page, "curvature-descent_balance", run.steps)
    expect(page.locator("#curvature-none")).to_contain_text("Curvature is not measured")
    expect(page.locator("#curvature-picture")).to_be_hidden()


def test_a_run_without_curvature_shows_what_to_write(serve: Callable[..., Served], context: BrowserContext) -> None:
    page = serve([canned.young()]).open(context, "/runs/young?tab=curvature")

    expect(page.locator("#curvature-none")).to_contain_text('ergoscope.watch(model, optimizer, curvature="model")')
    expect(page.locator("#curvature-spectrum-card")).to_be_hidden()
    expect(page.locator("#curvature-steps")).to_be_hidden()
    expect(page.locator("#curvature-unseen")).to_be_empty()


def test_on_a_phone_the_tab_needs_no_sideways_scrolling(serve: Callable[..., Served], context: BrowserContext) -> None:
    page = serve([_curved()]).open(context, "/runs/edge?tab=curvature")
    page.set_viewport_size({"width": 390, "height": 844})
    _wait_for_rows(page, 10)

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
