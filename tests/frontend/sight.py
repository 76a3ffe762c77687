"""What a test sees of a page."""

import time
from dataclasses import dataclass

from playwright.sync_api import BrowserContext, Page

from tests.frontend.fake_service import FakeService

Trace = dict[str, list[float | None]]
PATIENCE_S = 20.0  # as the machine may be busy with other things


@dataclass
class Served:
    """A running fake service and where it is."""

    fake: FakeService
    port: int

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://127.0.0.1:{self.port}"

    def open(self, context: BrowserContext, path: str) -> Page:
        """Open a page."""
        page = context.new_page()
        page.goto(self.url + path)
        return page


def trace(page: Page, graph: str, index: int = 2) -> Trace:
    """A trace's steps and values as the graph holds them now; the line is the third, after its band."""
    script = """([graph, index]) => {
        const drawn = document.querySelector(`#${graph} .js-plotly-plot`);
        const trace = drawn && drawn.data && drawn.data[index];
        return trace ? { x: trace.x, y: trace.y } : { x: [], y: [] };
    }"""
    found: Trace = page.evaluate(script, [graph, index])
    return found


def wait_for_step(page: Page, graph: str, step: int, index: int = 2) -> None:
    """Wait until a trace has come to a step."""
    script = """([graph, index, step]) => {
        const drawn = document.querySelector(`#${graph} .js-plotly-plot`);
        const trace = drawn && drawn.data && drawn.data[index];
        return trace && trace.x[trace.x.length - 1] >= step;
    }"""
    wait_until(page, script, [graph, index, step])


def wait_until(page: Page, script: str, arg: object = None) -> None:
    """Wait until a script says so; playwright's own waiting evaluates texts in the page, which its policy forbids."""
    deadline = time.monotonic() + PATIENCE_S
    while not page.evaluate(script, arg):
        assert time.monotonic() < deadline, f"it did not come within {PATIENCE_S:.0f} s: {script}"
        page.wait_for_timeout(50)


def axis(page: Page, graph: str) -> list[float]:
    """The ends of a graph's step axis."""
    found: list[float] = page.evaluate(
        "graph => document.querySelector(`#${graph} .js-plotly-plot`).layout.xaxis.range", graph
    )
    return found


def hide(page: Page, hidden: bool) -> None:
    """Tell the page that its tab is hidden, or shown again."""
    script = """hidden => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(script, hidden)
