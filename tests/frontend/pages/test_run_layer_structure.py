"""An opened layer whose spectrum was taken."""

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, expect

from tests.frontend import canned
from tests.frontend.fake_service import FakeRun
from tests.frontend.sight import Served

pytestmark = pytest.mark.browser
TAIL = {"": 3.3, "_error": 0.27, "_distance": 0.13, "_tail": 69.0, "_null": 6.01}


def with_spectra() -> FakeRun:
    """The settled run, of whose head the tail and the stable rank were taken now and then."""
    run = canned.settled(steps=2_000)
    for name, value in {**{f"spectral_alpha{what}": v for what, v in TAIL.items()}, "stable_rank": 27.3}.items():
        sparse = np.full(run.series["loss"].shape, np.nan)
        sparse[511::512] = value
        run.series[f"{name}/head.weight"] = sparse
        run.rare.add(f"{name}/head.weight")
    return run


def test_its_tail_is_told_with_its_fit_and_has_one_chart(serve: Callable[..., Served], context: BrowserContext) -> None:
    page = serve([with_spectra()]).open(context, "/runs/settled?tab=layers&layer=head.weight")

    expect(page.locator("#layer-name")).to_contain_text("α = 3.30 ± 0.27 ")
    expect(page.locator("#layer-name")).to_contain_text("random weights of this shape read 6.01")
    expect(page.locator("#layer-spectral_alpha-card")).to_be_visible()
    expect(page.locator("#layer-stable_rank-card")).to_be_visible()
    expect(page.locator("#layer-spectral_alpha_null-card")).to_be_hidden()
    definition = page.locator("#layer-name [data-metric=spectral_alpha]")
    definition.focus()
    expect(definition.get_by_role("tooltip")).to_be_visible()
