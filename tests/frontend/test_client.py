"""The page's questions, against a service that answers well, badly, and not at all."""

import asyncio
import socket
from collections.abc import Iterator

import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from ergoscope_ui.client import Client
from ergoscope_ui.errors import RefusedError, UnknownError, UnreachableError
from ergoscope_ui.settings import Settings
from tests.frontend import canned
from tests.frontend.fake_service import FakeService, serving
from tests.frontend.ports import free_port


@pytest.fixture(scope="module")
def service() -> Iterator[tuple[FakeService, Client]]:
    fake = FakeService([canned.crashed(), canned.young()], [canned.firing("young")])
    port = free_port()
    fake.start(port)
    yield fake, Client(Settings(server_url=f"http://127.0.0.1:{port}"))
    fake.stop()


def test_runs_come_newest_first_with_numbers_that_json_cannot_say(service: tuple[FakeService, Client]) -> None:
    _, client = service

    runs = asyncio.run(client.runs(limit=10))

    assert [run.id for run in runs] == ["young", "crashed"]
    assert np.isnan(runs[1].latest["loss"])


def test_a_run_without_a_verdict_is_undecided(service: tuple[FakeService, Client]) -> None:
    _, client = service

    assert asyncio.run(client.verdict("nobody")).state == "UNDECIDED"
    assert asyncio.run(client.verdict("crashed")).headline == "The loss is not finite."


def test_series_come_as_points_or_stretches_with_their_cursor(service: tuple[FakeService, Client]) -> None:
    _, client = service

    exact = asyncio.run(client.series("crashed", ["loss"], first=10, last=20))["loss"]
    coarse = asyncio.run(client.series("crashed", ["grad_norm", "grad_norm/*"], buckets=100))

    assert exact.exact and exact.last.tolist() == list(range(10, 21)) and exact.cursor == 7_713
    assert len(coarse) == 1 + len(canned.LAYERS)
    assert not coarse["grad_norm"].exact and coarse["grad_norm"].points == 7_713


def test_many_runs_are_asked_for_in_one_question(service: tuple[FakeService, Client]) -> None:
    _, client = service

    found = asyncio.run(client.many(["young", "crashed", "nobody"], ["loss"]))

    assert sorted(found) == ["crashed", "young"]
    assert asyncio.run(client.many([], ["loss"])) == {}


def test_spectra_come_in_step_order_without_those_that_cannot_be_read(service: tuple[FakeService, Client]) -> None:
    fake, client = service
    whole = [{"key": "k", "step": step, "nodes": [1.0, 3.0], "weights": [1.0, 1.0]} for step in (9, 4)]
    fake.runs["young"].spectra = [*whole, {"key": "k", "step": 5, "nodes": ["NaN"], "weights": [1.0]}]

    found = asyncio.run(client.spectra("young", "k", limit=5))

    assert [(one.step, one.weights.tolist()) for one in found] == [(4, [0.5, 0.5]), (9, [0.5, 0.5])]
    assert asyncio.run(client.spectra("young", "other", limit=5)) == []


def test_alerts_keys_events_and_histograms(service: tuple[FakeService, Client]) -> None:
    _, client = service

    assert [alert.run for alert in asyncio.run(client.alerts(state="firing"))] == ["young"]
    assert asyncio.run(client.alerts(run="crashed")) == []
    assert "loss" in asyncio.run(client.keys("young"))
    assert asyncio.run(client.events("crashed"))[0].kind == "lr_change"
    steps = [one.step for one in asyncio.run(client.histograms("crashed", "grad_hist/conv1.weight", limit=5))]
    assert steps == sorted(steps) and steps


def test_a_slice_is_asked_for_and_listed_and_a_refusal_is_said(service: tuple[FakeService, Client]) -> None:
    _, client = service

    asyncio.run(client.ask_slice("young", axes="update", dimensions=2))
    found = asyncio.run(client.slices("young", limit=1))

    assert [(one.state, one.landscape) for one in found] == [("open", None)]
    assert found[0].request is not None
    assert (found[0].request.axes, found[0].request.dimensions) == ("update", 2)
    with pytest.raises(RefusedError, match="the run has ended; nothing can measure it"):
        asyncio.run(client.ask_slice("crashed", axes="hessian", dimensions=1))


def test_a_question_for_a_slice_is_taken_back_and_an_answer_is_not(service: tuple[FakeService, Client]) -> None:
    fake, client = service
    asyncio.run(client.ask_slice("young", axes="update", dimensions=2))
    (asked,) = asyncio.run(client.slices("young", limit=1))

    asyncio.run(client.withdraw_slice("young", asked.id))

    assert [one.reason for one in asyncio.run(client.slices("young", limit=1))] == ["it was withdrawn"]
    fake.runs["young"].slices[0]["state"] = "done"
    with pytest.raises(RefusedError, match=f"slice '{asked.id}' is answered already; there is nothing to withdraw"):
        asyncio.run(client.withdraw_slice("young", asked.id))


def test_who_looks_may_do_what_the_service_says(service: tuple[FakeService, Client]) -> None:
    _, client = service

    rights = asyncio.run(client.rights())

    assert (rights.account, rights.name, rights.may("admin", "any")) == ("", "anybody", True)


def test_a_run_is_shared_archived_and_deleted(service: tuple[FakeService, Client]) -> None:
    fake, client = service
    fake.runs["brief"] = canned.settled(run="brief")

    share = asyncio.run(client.share("brief", days=0.5))
    listed = asyncio.run(client.shares("brief"))
    asyncio.run(client.end_share("brief", share.id))
    asyncio.run(client.archive("brief", aside=True))
    archived = asyncio.run(client.runs(limit=5, archived=True))
    asyncio.run(client.archive("brief", aside=False))
    asyncio.run(client.delete("brief"))

    assert (share.path, share.expires - share.created) == ("/shared/ergo_s0_secret", 43_200)
    assert [(one.id, one.path) for one in listed] == [(share.id, "")]
    assert [(run.id, run.archived) for run in archived] == [("brief", True)]
    with pytest.raises(UnknownError, match="there is nothing named 'brief'"):
        asyncio.run(client.delete("brief"))


def test_an_unknown_run_is_said_in_the_services_words(service: tuple[FakeService, Client]) -> None:
    _, client = service

    with pytest.raises(UnknownError, match="there is nothing named 'nobody'"):
        asyncio.run(client.run("nobody"))


def test_a_refusal_is_said_in_the_services_words(service: tuple[FakeService, Client]) -> None:
    fake, client = service
    fake.down = True

    try:
        with pytest.raises(RefusedError, match="the store is away for a moment"):
            asyncio.run(client.runs(limit=1))
    finally:
        fake.down = False


def test_nobody_there_is_unreachable() -> None:
    port = free_port()

    with pytest.raises(UnreachableError, match=f"http://127.0.0.1:{port} did not answer .*; is the service up"):
        asyncio.run(Client(Settings(server_url=f"http://127.0.0.1:{port}", timeout_s=1)).runs(limit=1))


def test_a_service_that_never_answers_is_unreachable_after_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = Client(Settings(server_url=f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_s=0.2))

        with pytest.raises(UnreachableError, match="did not answer"):
            asyncio.run(client.runs(limit=1))


def test_answers_of_another_kind_are_refused() -> None:
    app = FastAPI()
    app.get("/api/v1/runs")(lambda: {"runs": [{"id": 5}]})
    app.get("/api/v1/alerts")(lambda: PlainTextResponse("hello"))
    port = free_port()

    with serving(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error")):
        client = Client(Settings(server_url=f"http://127.0.0.1:{port}"))
        with pytest.raises(RefusedError, match=r"the service's answer cannot be read: .*; are page and service one"):
            asyncio.run(client.runs(limit=1))
        with pytest.raises(RefusedError, match="answered something that is no JSON object"):
            asyncio.run(client.alerts())
