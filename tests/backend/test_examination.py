"""What is wrong is said with what to do; what only makes things late is no failure."""

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from ergoscope_server.examination import (
    LAG_S,
    Finding,
    of_disk,
    of_lag,
    of_redis,
    of_schema,
    of_workers,
    worst,
)
from ergoscope_server.store.migrate import BARE, newest
from ergoscope_server.store.standing import Standing
from ergoscope_server.store.tidy import Backlog

NOW = 1_790_000_000.0
NOTHING = Backlog()


def standing(*, revision: str = newest(), worked: float | None = None, backlog: Backlog = NOTHING) -> Standing:
    seen = {} if worked is None else {"work": worked}
    return Standing("SQLite", "3", revision, newest(), seen, backlog)


WAITING = Backlog(runs=2, batches=1_234, size=3 << 20, oldest=NOW - 40)


def test_the_worst_counts() -> None:
    ok, warn, fail = (Finding("x", state, "seen") for state in ("ok", "warn", "fail"))

    assert [worst(found) for found in ([], [ok], [ok, warn], [fail, warn, ok])] == ["ok", "ok", "warn", "fail"]


def test_a_reason_says_what_was_seen_and_what_helps() -> None:
    assert Finding("x", "fail", "seen", "do that").reason == "seen; do that"
    assert Finding("x", "ok", "seen").reason == "seen"


@pytest.mark.parametrize(
    ("revision", "state", "reason"),
    [
        (newest(), "ok", f"revision {newest()}"),
        (BARE, "fail", "the database holds no tables of ergoscope; run: ergoscope migrate"),
        (
            "0002",
            "fail",
            f"the schema is at revision 0002, and this version works with {newest()}; run: ergoscope migrate",
        ),
        (
            "9999",
            "fail",
            f"the schema is at revision 9999, and this version works with {newest()}; "
            "install the version of ergoscope that brought it there",
        ),
    ],
)
def test_the_schema_must_be_the_codes(revision: str, state: str, reason: str) -> None:
    found = of_schema(standing(revision=revision))

    assert (found.state, found.reason) == (state, reason)


@pytest.mark.parametrize(
    ("worked", "backlog", "state", "reason"),
    [
        (NOW - 4, WAITING, "ok", "at work, as one said 4 s ago"),
        (NOW + 3, WAITING, "ok", "at work, as one said 0 s ago"),
        (NOW - 90, Backlog(), "ok", "no worker has said for 90 s that it works, and nothing waits"),
        (
            NOW - 90,
            WAITING,
            "warn",
            "no worker has said for 90 s that it works, and 1,234 batches wait to be folded; "
            "start `ergoscope work` or `ergoscope up`",
        ),
        (
            None,
            WAITING,
            "warn",
            "no worker has ever said that it works, and 1,234 batches wait to be folded; "
            "start `ergoscope work` or `ergoscope up`",
        ),
    ],
)
def test_somebody_must_work_while_the_log_grows(
    worked: float | None, backlog: Backlog, state: str, reason: str
) -> None:
    found = of_workers(standing(worked=worked, backlog=backlog), now=NOW)

    assert (found.state, found.reason) == (state, reason)


def test_folding_may_be_behind_for_some_minutes() -> None:
    late = Backlog(runs=2, batches=9, size=3 << 20, oldest=NOW - LAG_S - 1)

    found = [of_lag(standing(backlog=backlog), now=NOW) for backlog in (Backlog(), WAITING, late)]

    assert [one.reason for one in found] == [
        "everything is folded",
        "3.0 MiB of 2 runs wait to be folded, the oldest for 40 s",
        "3.0 MiB of 2 runs wait to be folded, the oldest for 301 s; start more workers, or see in their log what keeps "
        "them",
    ]
    assert [one.state for one in found] == ["ok", "ok", "warn"]


class _Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.mark.parametrize(("free", "state"), [(5 << 30, "ok"), (500 << 20, "warn"), (10 << 20, "fail")])
def test_a_disk_that_gets_full_is_told_before(
    free: int, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(0, 0, free))

    found = of_disk(tmp_path)

    assert found.state == state
    assert found.said == f"{free / 2**20:,.0f} MiB are left on the disk of {tmp_path}"
    assert found.todo.startswith({"ok": "", "warn": "make room", "fail": "make room: batches are refused"}[state])


def test_a_place_that_is_not_there_is_told(tmp_path: Path) -> None:
    found = of_disk(tmp_path / "no")

    assert (found.state, found.reason) == (
        "fail",
        f"{tmp_path / 'no'} cannot be looked at: No such file or directory; make it",
    )


def test_without_redis_everything_is_done_later() -> None:
    assert of_redis(connected=True).state == "ok"
    assert of_redis(connected=False).state == "warn"
    assert of_redis(connected=False).reason == "Redis does not answer, so news come late; see that it runs"
