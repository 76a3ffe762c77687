"""What a server asks of a running job: from its receipt through the sidecar and the ring to the answer."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.optim import SGD

import ergoscope
from ergoscope.session import Run
from ergoscope.stream.mailbox import MailboxWriter
from ergoscope_contract.slices import SliceRequest
from tests.agent.fake_server import FakeServer
from tests.agent.probes.sliced import SPECTRUM, Valley, floats, of_valley

Until = Callable[..., None]


@pytest.fixture(autouse=True)
def _surroundings(surroundings: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERGOSCOPE_BASE_URL", server.url)


def begin(model: Valley, optimizer: SGD, **how: object) -> Run:
    return ergoscope.watch(model, optimizer, probe=torch.zeros(1), loss_fn=of_valley, **how)  # type: ignore[arg-type]  # settings


def train(model: Valley, optimizer: SGD, until: Until, true: Callable[[], object], *, what: str) -> None:
    def step() -> object:
        for _ in range(50):
            optimizer.zero_grad()
            model().backward()
            optimizer.step()
        return true()

    until(step, what=what, seconds=60.0)


def test_a_slice_that_is_asked_for_comes_back_whole_once(server: FakeServer, until: Until) -> None:
    model = Valley()
    optimizer = SGD(model.parameters(), lr=0.001)
    run = begin(model, optimizer)
    until(lambda: server.posts, what="the first batch")

    server.requests.append(SliceRequest("s1", points=5, share=1.0))
    train(model, optimizer, until, lambda: not server.requests, what="the grid")
    posts = server.posts
    server.requests.append(SliceRequest("s1", points=5, share=1.0))  # a service that did not keep the answer
    train(model, optimizer, until, lambda: server.posts > posts + 3, what="more batches")
    run.finish()

    whole = [grid for grid in server.grids if not grid.partial]
    assert [grid.request for grid in whole] == ["s1"]
    assert whole[0].curvatures[0] == pytest.approx(SPECTRUM[0], rel=1e-6)
    assert np.isfinite(floats(whole[0].values)).all()
    assert [grid.partial for grid in server.grids][:-1] == [True] * (len(server.grids) - 1)
    assert [event.text for batch in server.batches.values() for event in batch.events if "off" in event.data] == []


def test_what_is_taken_back_makes_way_for_the_next(server: FakeServer, until: Until) -> None:
    model = Valley()
    optimizer = SGD(model.parameters(), lr=0.001)
    run = begin(model, optimizer)
    server.requests.append(SliceRequest("s1", dimensions=2, points=41, share=0.001))
    posts = server.posts
    train(model, optimizer, until, lambda: server.posts > posts + 2, what="batches")

    server.requests[:] = [SliceRequest("s2", points=5, share=1.0)]
    train(model, optimizer, until, lambda: not server.requests, what="the grid")
    run.finish()

    assert [(grid.request, grid.refused) for grid in server.grids if not grid.partial] == [("s2", "")]


def test_a_run_without_a_fixed_batch_says_so(server: FakeServer, until: Until) -> None:
    model = Valley()
    optimizer = SGD(model.parameters(), lr=0.001)
    run = ergoscope.watch(model, optimizer)
    server.requests.append(SliceRequest("s1"))

    train(model, optimizer, until, lambda: not server.requests, what="the refusal")
    run.finish()

    assert [grid.refused[:48] for grid in server.grids] == ["the run has no fixed batch to measure it on; beg"]


def test_a_run_that_is_offline_or_disabled_is_asked_nothing(server: FakeServer) -> None:
    server.requests.append(SliceRequest("s1"))
    for mode in ("offline", "disabled"):
        model = Valley()
        optimizer = SGD(model.parameters(), lr=0.001)
        run = begin(model, optimizer, mode=mode)
        for _ in range(20):
            optimizer.zero_grad()
            model().backward()
            optimizer.step()
        run.finish()

    assert server.posts == 0


def test_an_answer_that_does_not_fit_into_the_ring_waits_for_room(server: FakeServer, until: Until) -> None:
    model = Valley()
    optimizer = SGD(model.parameters(), lr=0.001)
    run = begin(model, optimizer)
    assert run._line
    until(lambda: server.posts, what="the first batch")
    feed = run.outlet
    offered, feed._writer.offer = feed._writer.offer, lambda kind, payload: False  # type: ignore[union-attr,method-assign]  # full

    MailboxWriter(run._line.ring).post([SliceRequest("s1", axes="random", points=5, share=1.0)])
    for _ in range(400):
        optimizer.zero_grad()
        model().backward()
        optimizer.step()
    feed._writer.offer = offered  # type: ignore[union-attr,method-assign]  # room again
    train(model, optimizer, until, lambda: server.grids, what="the grid")
    run.finish()

    assert [grid.partial for grid in server.grids] == [False]
