"""The ranks of a run, over HTTP."""

import time
from collections.abc import Iterator

import msgspec
import pytest

from ergoscope_contract.answers import RankSummary
from ergoscope_contract.records import Attempt, Ending, Pulse
from ergoscope_server.api import examples
from ergoscope_server.api.ranks import RANKS
from tests.backend.api.conftest import Running
from tests.backend.store.batches import ATTEMPT, batch


@pytest.fixture
def two(running: Running) -> Iterator[Running]:
    """A run of two ranks; rank 1 is 41 steps behind."""
    for rank, step in ((0, 1245), (1, 1204)):
        begun = Attempt(ATTEMPT, 1_790_000_000.0, rank, 2, host=f"node-{rank + 1}")
        running.post(batch(0, {}, rank=rank, begun=begun, pulse=Pulse(1_790_000_000.0, step, lost=rank)))
    yield running


def test_each_rank_is_listed_with_its_step_and_when_it_was_heard_of(two: Running) -> None:
    before = time.time()

    first, second = two.client.get("/api/v1/runs/r/ranks").json()["ranks"]

    assert before - 60 < first.pop("last_seen") <= second.pop("last_seen") < before + 60
    assert first == {
        "rank": 0,
        "attempt": ATTEMPT,
        "status": "running",
        "last_step": 1245,
        "behind": 0,
        "host": "node-1",
        "patience": 10.0,
    }
    assert (second["rank"], second["behind"], second["lost"], second["host"]) == (1, 41, 1, "node-2")


def test_the_summary_counts_ranks_and_says_how_far_they_are_apart(two: Running) -> None:
    going_on = two.client.get("/api/v1/runs/r").json()
    for rank in (0, 1):
        two.post(batch(1, {}, rank=rank, ended=Ending("finished", 1_790_000_001.0)))
    over = two.client.get("/api/v1/runs/r").json()

    assert (going_on["ranks"], going_on.get("ranks_silent", 0), going_on["behind"]) == (2, 0, 41)
    assert (over["ranks"], over.get("ranks_silent", 0), over.get("behind", 0)) == (2, 0, 0)


def test_a_run_that_is_not_there_has_no_ranks(running: Running) -> None:
    answer = running.client.get("/api/v1/runs/nobody/ranks")

    assert (answer.status_code, answer.json()) == (404, examples.PROBLEM)


def test_the_example_of_the_description_is_of_the_contract() -> None:
    listed = msgspec.convert(RANKS["ranks"], list[RankSummary])

    assert msgspec.to_builtins(listed) == RANKS["ranks"]
