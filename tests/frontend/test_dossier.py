"""A run is asked for in one round of questions."""

import asyncio
from collections.abc import Iterator

import pytest

from ergoscope_ui.address import Address
from ergoscope_ui.client import Client
from ergoscope_ui.dossier import gather
from ergoscope_ui.errors import UnknownError
from ergoscope_ui.settings import Settings
from ergoscope_ui.theme import LIGHT
from tests.frontend import canned
from tests.frontend.fake_service import FakeService
from tests.frontend.ports import free_port


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    fake = FakeService([canned.at_the_edge(steps=600)])
    port = free_port()
    fake.start(port)
    yield Client(Settings(server_url=f"http://127.0.0.1:{port}"))
    fake.stop()


def test_summary_verdict_events_and_curves_come_together(client: Client) -> None:
    held = Address(page="run", run="edge", first=100, last=500)

    about = asyncio.run(gather(client, held, ["loss", "nobody"], LIGHT))

    assert (about.summary.id, about.verdict.flags) == ("edge", ["EDGE"])
    assert about.news.way("sharpness_ratio").startswith("exact")
    assert list(about.curves) == ["loss"]
    assert about.curves["loss"].last.tolist() == list(range(100, 501))
    assert (about.extent.first, about.extent.last, about.now) == (100, 500, 500)


def test_a_frame_is_in_the_unit_of_its_series_or_in_another(client: Client) -> None:
    about = asyncio.run(gather(client, Address(page="run", run="edge"), ["loss"], LIGHT))

    assert (about.frame("loss").unit, about.frame("loss", unit="x").unit) == ("L_B, nats", "x")
    assert about.now == 600


def test_without_series_there_are_no_curves_and_others_may_begin_elsewhere(client: Client) -> None:
    held = Address(page="run", run="edge", first=400)

    nothing = asyncio.run(gather(client, held, [], LIGHT))
    early = asyncio.run(gather(client, held, ["loss"], LIGHT, first=300))

    assert nothing.curves == {}
    assert early.curves["loss"].first[0] == 300


def test_a_run_that_is_not_there_is_an_error(client: Client) -> None:
    with pytest.raises(UnknownError, match="there is nothing named 'nobody'"):
        asyncio.run(gather(client, Address(page="run", run="nobody"), ["loss"], LIGHT))
