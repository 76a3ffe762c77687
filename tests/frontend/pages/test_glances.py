"""What the list has of each run: asked for once, and again when the run has gone on."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from ergoscope_contract.answers import RunSummary
from ergoscope_ui.client import Client
from ergoscope_ui.curve import Curve
from ergoscope_ui.pages import glances
from ergoscope_ui.pages.glances import Glances


class Asked(Client):
    """Notes which runs it was asked for; run "c" has no series."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    async def many(  # type: ignore[override]  # no more is asked of it
        self, runs: Sequence[str], metrics: Sequence[str], *, buckets: int | None = None
    ) -> dict[str, dict[str, Curve]]:
        self.asked.append(list(runs))
        return {run: {"loss": _curve(), "wall": _curve()} for run in runs if run != "c"}


def _curve() -> Curve:
    steps, values, none = np.arange(3), np.array([3.0, 2.0, 1.0]), np.zeros(3, np.int64)
    return Curve("r", "loss", steps, steps, values, values, values, values, none + 1, none)


def _run(name: str, cursor: int) -> RunSummary:
    return RunSummary(id=name, project="p", name=name, status="running", created=0.0, last_seen=0.0, cursor=cursor)


def test_only_what_has_gone_on_is_asked_for_again() -> None:
    client = Asked()
    drawn = Glances(client)

    first = asyncio.run(drawn.of([_run("a", 1), _run("b", 1), _run("c", 1)]))
    second = asyncio.run(drawn.of([_run("a", 2), _run("b", 1), _run("c", 1)]))

    assert client.asked == [["a", "b", "c"], ["a"]]
    assert [one.cursor for one in second.values()] == [2, 1, 1]
    assert first["a"].drawing.startswith('url("data:image/svg+xml,')
    assert first["a"].stepped == 3.0
    assert (first["c"].drawing, first["c"].stepped) == ("", None)


def test_those_that_were_seen_longest_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glances, "_KEPT", 2)
    client = Asked()
    drawn = Glances(client)

    asyncio.run(drawn.of([_run("a", 1), _run("b", 1)]))
    asyncio.run(drawn.of([_run("b", 1), _run("d", 1)]))
    asyncio.run(drawn.of([_run("a", 1), _run("d", 1)]))

    assert client.asked == [["a", "b"], ["d"], ["a"]]
