"""A service with canned answers and a browser, for the tests that open the page."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.frontend.fake_service import FakeRun, FakeService
from tests.frontend.ports import free_port
from tests.frontend.sight import Served

_ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


@pytest.fixture(scope="module")  # an open one holds the event loop that other modules want for themselves
def browser() -> Iterator[Browser]:
    """A headless Chromium for a module's tests: the system's, else the one playwright brings."""
    system = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        if system is None and not Path(playwright.chromium.executable_path).exists():
            text = "no Chromium here: install one, or run `playwright install chromium`"
            (pytest.fail if os.environ.get("ERGOSCOPE_REQUIRE_BROWSER") else pytest.skip)(text)
        opened = playwright.chromium.launch(executable_path=system, args=_ARGUMENTS.split())
        yield opened
        opened.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh, light browser profile, 1440 px wide; a script that fails or is not allowed on a page fails the test."""
    opened = browser.new_context(viewport={"width": 1440, "height": 1000}, color_scheme="light")
    opened.set_default_timeout(20_000)
    expect.set_options(timeout=20_000)  # the machine may be busy with other things
    problems: list[str] = []
    opened.on("weberror", lambda problem: problems.append(str(problem.error)))
    opened.on("console", lambda said: problems.append(said.text) if "Content Security Policy" in said.text else None)
    yield opened
    opened.close()
    assert problems == []


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Start a service with these runs and alerts, with its page."""
    started: list[FakeService] = []

    def start(runs: Sequence[FakeRun] = (), alerts: Sequence[dict[str, object]] = ()) -> Served:
        fake = FakeService(runs, alerts)
        port = free_port()
        fake.start(port)
        started.append(fake)
        return Served(fake=fake, port=port)

    yield start
    for fake in started:
        fake.stop()
