"""The page while a job runs: it grows, it stops when nobody looks, it comes back by itself."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, expect

from tests.frontend import canned
from tests.frontend.fake_service import FakeRun
from tests.frontend.sight import Served, axis, hide, trace, wait_for_step

pytestmark = pytest.mark.browser
LOSS = "stabilization-chart"


def _eventually(holds: Callable[[], bool], *, seconds: float = 15.0) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds()


def test_a_chart_grows_with_the_values_that_were_logged(serve: Callable[..., Served], context: BrowserContext) -> None:
    run = canned.young(steps=40)
    page = serve([run]).open(context, "/runs/young")
    wait_for_step(page, LOSS, 40)

    run.steps = 75
    wait_for_step(page, LOSS, 75)

    drawn = trace(page, LOSS)
    assert drawn["x"] == list(range(1, 76))
    assert drawn["y"] == run.series["loss"][:75].tolist()
    expect(page.locator('[data-live="step"]')).to_have_text("75")
    expect(page.locator('.at[data-chart="stabilization-chart"]')).to_have_text("step 75")
    assert axis(page, LOSS) == [0, 75]


@contextmanager
def growing(run: FakeRun, *, to: int) -> Iterator[None]:
    """A run that takes a step every ten milliseconds meanwhile."""
    done = threading.Event()

    def train() -> None:
        while not done.wait(0.01):
            run.steps = min(run.steps + 1, to)

    trainer = threading.Thread(target=train)
    trainer.start()
    try:
        yield
    finally:
        done.set()
        trainer.join()


def test_no_point_is_missed_between_the_first_figure_and_the_stream(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    run = canned.young(steps=30)
    served = serve([run])
    with growing(run, to=400):
        page = served.open(context, "/runs/young")
        for chart in (LOSS, "stationarity-chart"):
            wait_for_step(page, chart, 400)

    for chart in (LOSS, "stationarity-chart"):
        assert trace(page, chart)["x"] == list(range(1, 401))


def test_of_a_figure_that_comes_after_the_stream_began_no_point_is_missed(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    run = canned.young(steps=30)
    page = serve([run]).open(context, "/runs/young")
    for chart in (LOSS, "stationarity-chart"):
        wait_for_step(page, chart, 30)

    late = page.locator("#stationarity-chart .js-plotly-plot").element_handle()
    late.evaluate("graph => graph.classList.remove('js-plotly-plot')")  # as before it is drawn
    page.wait_for_timeout(700)  # the page looks at what it shows every 300 ms
    late.evaluate(
        "graph => new Promise(done => { const draw = ergoscope.drawPending; ergoscope.drawPending = () => {"
        " graph.classList.add('js-plotly-plot'); ergoscope.drawPending = draw; done(); return draw(); } })"
    )
    run.steps = 60  # is told before the page looks again

    for chart in (LOSS, "stationarity-chart"):
        wait_for_step(page, chart, 60)
        assert trace(page, chart)["x"] == list(range(1, 61))


def test_stretches_of_a_long_run_go_on_in_their_width(serve: Callable[..., Served], context: BrowserContext) -> None:
    run = canned.settled()
    page = serve([run]).open(context, "/runs/settled")
    wait_for_step(page, LOSS, 18_240)
    before = trace(page, LOSS)
    low = trace(page, LOSS, 1)["y"][-1]

    run.series["loss"][18_300] = 0.01
    run.steps = 18_240 + 74  # two stretches of 37
    wait_for_step(page, LOSS, 18_314)

    after = trace(page, LOSS)
    assert len(before["x"]) + 1 <= len(after["x"]) <= len(before["x"]) + 3
    assert after["x"][:100] == before["x"][:100]
    assert min(v for v in trace(page, LOSS, 1)["y"][-3:] if v is not None) == 0.01 != low


def test_what_is_not_finite_is_marked_as_it_comes(serve: Callable[..., Served], context: BrowserContext) -> None:
    run = canned.young(steps=40)
    page = serve([run]).open(context, "/runs/young")
    wait_for_step(page, LOSS, 40)

    run.series["loss"][44] = float("nan")
    run.steps = 50
    wait_for_step(page, LOSS, 50)

    assert trace(page, LOSS)["y"][44] is None
    assert trace(page, LOSS, 3)["x"] == [45]


def test_a_hidden_tab_closes_its_stream_and_goes_on_from_its_cursor(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    run = canned.young(steps=40)
    served = serve([run])
    page = served.open(context, "/runs/young")
    wait_for_step(page, LOSS, 40)
    assert _eventually(lambda: served.fake.open_streams == 1)

    hide(page, True)
    assert _eventually(lambda: served.fake.open_streams == 0)
    run.steps = 60
    page.wait_for_timeout(700)
    unseen = trace(page, LOSS)["x"][-1]
    hide(page, False)
    wait_for_step(page, LOSS, 60)

    assert unseen == 40
    assert trace(page, LOSS)["x"] == list(range(1, 61))


def test_with_eight_tabs_open_every_one_is_live(serve: Callable[..., Served], context: BrowserContext) -> None:
    run = canned.young(steps=40)
    served = serve([run])
    pages = [served.open(context, "/runs/young") for _ in range(8)]
    for page in pages:
        wait_for_step(page, LOSS, 40)

    assert _eventually(lambda: served.fake.open_streams == 3 and served.fake.polls > 0)
    run.steps = 90
    for page in pages:
        wait_for_step(page, LOSS, 90)

    assert served.fake.open_streams == 3
    assert all(trace(page, LOSS)["x"] == list(range(1, 91)) for page in pages)


def test_after_the_service_restarts_the_page_recovers_by_itself(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    run = canned.young(steps=40)
    served = serve([run])
    page = served.open(context, "/runs/young")
    wait_for_step(page, LOSS, 40)

    served.fake.stop()
    expect(page.get_by_test_id("link")).to_contain_text("no connection since")
    dimmed = page.locator(".foot").first.evaluate("foot => getComputedStyle(foot).opacity")
    run.steps = 70
    served.fake.start(served.port)
    wait_for_step(page, LOSS, 70)

    assert float(dimmed) < 1
    expect(page.get_by_test_id("link")).to_be_empty()
    assert trace(page, LOSS)["x"] == list(range(1, 71))


def test_a_stream_that_died_without_a_word_is_noticed(serve: Callable[..., Served], context: BrowserContext) -> None:
    run = canned.young(steps=40)
    served = serve([run])
    page = served.open(context, "/runs/young")
    wait_for_step(page, LOSS, 40)
    page.evaluate("ergoscope.stream.state.patience = 1500")
    page.wait_for_timeout(2500)  # the heartbeats of the fake service come every second

    served.fake.mute = True
    page.wait_for_timeout(300)
    served.fake.mute = False  # for streams opened from now on; those that are muted stay so
    run.steps = 60
    wait_for_step(page, LOSS, 60)

    assert trace(page, LOSS)["x"] == list(range(1, 61))


def test_a_run_that_falls_silent_says_so(serve: Callable[..., Served], context: BrowserContext) -> None:
    run = canned.young(steps=40)
    run.summary = {"last_seen": time.time() - 30}
    page = serve([run]).open(context, "/runs/young")

    status = page.get_by_test_id("status")
    expect(status.locator(".word")).to_have_text("silent")
    expect(status.locator(".ago")).to_contain_text("s ago")


def test_a_job_that_lives_and_makes_no_step_says_so_until_it_goes_on(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    run = canned.young(steps=40)
    run.series["wall"] = np.full(run.series["loss"].size, time.time() - 200)
    served = serve([run])
    page, listed = served.open(context, "/runs/young"), served.open(context, "/")

    for shown in (page, listed):
        expect(shown.get_by_test_id("status").locator(".word")).to_have_text("live")
        expect(shown.get_by_test_id("status").locator(".stall")).to_have_text("no step for 3 min")
    page.wait_for_timeout(700)  # the stream has told of the run
    run.steps = 41

    expect(page.get_by_test_id("status").locator(".stall")).to_be_empty()


def test_the_age_of_a_reading_counts_up_with_the_steps(serve: Callable[..., Served], context: BrowserContext) -> None:
    run = canned.at_the_edge(steps=4_000)
    run.rare.add("descent_balance")
    run.series["descent_balance"] = np.where(np.arange(1, 8_001) % 500 == 0, 0.5, np.nan)
    page = serve([run]).open(context, "/runs/edge?tab=curvature")
    wait_for_step(page, "curvature-descent_balance", 4_000)
    at = page.locator("#curvature-descent_balance-foot .at")
    expect(at).to_have_text("step 4,000")
    page.wait_for_timeout(700)

    run.steps = 4_142

    expect(at).to_have_text("step 4,000, 142 steps ago")
