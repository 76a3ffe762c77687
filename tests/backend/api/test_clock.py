"""A clock that jumps, as when a machine is suspended or its time is set: nothing is lost, doubled or called silent."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ergoscope_server.settings import Settings
from ergoscope_server.store.store import Store
from tests.backend.api.conftest import Running, serving, wait_for
from tests.backend.store.batches import batch, line


class Clock:
    """The machine's clock, `ahead` seconds off."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self._real = time.time

    def __call__(self) -> float:
        return self._real() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "time", made)
    monkeypatch.setattr("tests.backend.api.conftest.Store", lambda url, **more: Store(url, clock=made, **more))
    return made


@pytest.fixture
def jumping(clock: Clock, tmp_path: Path) -> Iterator[Running]:
    with serving(Settings(data_dir=tmp_path, page=False)) as running:
        yield running


@pytest.mark.parametrize("jumps", [(-3_600.0, 0.0), (86_400.0, 0.0), (-60.0, -120.0, -180.0)])
def test_batches_around_a_jump_are_there_once_and_in_order(
    jumping: Running, clock: Clock, jumps: tuple[float, ...]
) -> None:
    sent = 0
    for ahead in (0.0, *jumps):
        clock.ahead = ahead
        for seq in range(sent, sent + 70):  # more than are folded at once
            jumping.post(batch(seq, {"x": line(seq * 10, 10)}))
        sent += 70
        jumping.post(batch(sent - 1, {"x": line(sent * 10 - 10, 10)}))  # once more
    store = jumping.service.store
    store.fold("r")
    store.tidy("r")

    answer = jumping.client.get("/api/v1/runs/r/series?metrics=x").json()
    assert [one["steps"] for one in answer["series"]] == [list(range(sent * 10))]
    assert answer["cursor"] == sent
    summary = jumping.client.get("/api/v1/runs/r").json()
    assert summary["status"] == "running"
    wait_for(lambda: store.verdict("r") is not None)
    assert store.alerts(run="r") == []
