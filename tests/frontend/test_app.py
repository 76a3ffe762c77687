"""The page is assembled without a service, and asks it never on the event loop."""

import inspect

import pytest
from dash import Dash
from fastapi import FastAPI
from fastapi.testclient import TestClient

from ergoscope_ui.address import TABS, read
from ergoscope_ui.app import build, mount, page_of
from ergoscope_ui.settings import Settings
from tests.frontend.ports import free_port
from tests.frontend.text import text_of


@pytest.fixture(scope="module")
def dash() -> Dash:
    return build(FastAPI(), Settings(server_url=f"http://127.0.0.1:{free_port()}", timeout_s=1))


@pytest.mark.parametrize("path", ["/", "/runs/a", "/compare", "/alerts"])
def test_every_page_is_whole_when_it_is_the_first_one_asked_for(path: str) -> None:
    app = FastAPI()
    mount(app, server_url="http://127.0.0.1:1")

    with TestClient(app) as client:
        answer = client.get(path)

    assert answer.status_code == 200
    for asset in ("house.css", "nav.js", "live.js", "stream.js", "charts.js"):
        assert f"assets/{asset}" in answer.text
    assert "--settled-ink:#1f7f74" in answer.text


def test_the_applications_own_routes_stand_before_the_page() -> None:
    app = FastAPI()
    app.get("/api/v1/runs")(lambda: {"runs": []})
    mount(app, server_url="http://127.0.0.1:1")

    with TestClient(app) as client:
        assert client.get("/api/v1/runs").json() == {"runs": []}


def test_no_socket_of_dash_is_opened(dash: Dash) -> None:
    assert "websocket" not in dash._config()


def test_whatever_asks_the_service_is_a_coroutine(dash: Dash) -> None:
    waiting = {
        name
        for name, entry in dash.callback_map.items()
        if "callback" in entry and "client" in inspect.getclosurevars(inspect.unwrap(entry["callback"])).nonlocals
        if not inspect.iscoroutinefunction(inspect.unwrap(entry["callback"]))
    }

    assert waiting == set()
    assert sum("callback" in entry for entry in dash.callback_map.values()) >= 12


@pytest.mark.parametrize(
    ("path", "search", "words"),
    [
        ("/", "", "Compare"),
        ("/runs/a", "", "Has the loss settled?"),
        ("/runs/a", "?tab=series", "Series"),
        ("/compare", "", "Choose what to compare"),
        ("/compare", "?runs=a,b", "Where they part"),
        ("/alerts", "", "Alerts"),
        ("/nowhere/at/all", "", "There is no such page"),
    ],
)
def test_pages_are_laid_out_without_a_service(path: str, search: str, words: str) -> None:
    from ergoscope_ui.pages import run

    shown = read(path, search)
    laid = [page_of(shown)] if shown.page != "run" else [page_of(shown), run._body(shown)]

    assert words in text_of(laid)


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_is_laid_out_without_a_service(tab: str) -> None:
    from ergoscope_ui.pages import run

    assert text_of(run._tabs(read("/runs/a", f"?tab={tab}"))).startswith("Overview")
    assert run._body(read("/runs/a", f"?tab={tab}")) is not None
