"""A sidecar beside its job, without it, and without a server."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import ergoscope
from ergoscope.ring import Word
from tests.agent.fake_server import Answer, FakeServer

Until = Callable[..., None]
JOB = """
import os, sys, time, ergoscope
run = ergoscope.init(project="p", name="job")
for step in range(1000000):
    run.log({"x": step * 0.5}, step=step)
    print(step, flush=True)
    time.sleep(0.002)
"""


@pytest.fixture(autouse=True)
def _surroundings(surroundings: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERGOSCOPE_BASE_URL", server.url)


def read_until(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdout
    for seen in process.stdout:
        if seen.strip() == line:
            return


def spools(folder: Path) -> list[Path]:
    return list(folder.glob("spool/*/*"))


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_job_loses_nothing_and_is_shown_as_crashed(
    death: signal.Signals,
    server: FakeServer,
    surroundings: Path,
    job: Callable[[str], "subprocess.Popen[str]"],
    until: Until,
) -> None:
    process = job(JOB)
    read_until(process, "300")
    process.send_signal(death)
    rest, _ = process.communicate(timeout=20)
    last = int(rest.split()[-1]) if rest.split() else 300

    until(lambda: server.endings, what="the ending")

    steps = [step for step, _ in server.points("x")]
    assert steps[: last + 1] == list(range(last + 1))
    (ending,) = server.endings
    assert (ending.how, ending.last_step) == ("crashed", steps[-1])
    until(lambda: not spools(surroundings), what="the end of the spool")


def test_a_server_that_goes_away_and_comes_back_gets_everything_in_order(
    surroundings: Path, server: FakeServer, job: Callable[[str], "subprocess.Popen[str]"], until: Until
) -> None:
    process = job(JOB)
    read_until(process, "200")
    before = server.posts
    server.close()
    read_until(process, "600")
    again = FakeServer(server.port)
    try:
        until(lambda: again.posts > 3, what="delivery")
        process.kill()
        until(lambda: again.endings, what="the ending")

        seen = sorted({**server.batches, **again.batches})
        assert [key[3] for key in seen] == list(range(len(seen)))
        steps = [step for step, _ in [*server.points("x"), *again.points("x")]]
        assert sorted(set(steps)) == list(range(max(steps) + 1))
        assert before
    finally:
        again.close()


def test_refusals_busy_servers_and_lost_answers_neither_lose_nor_double(server: FakeServer) -> None:
    script = {
        0: Answer(status=503, body={"error": "Busy", "detail": ""}, headers={"Retry-After": "0.2"}),
        2: Answer(status=500, body=b"oops"),
        3: Answer(status=429, body={"error": "Rate", "detail": ""}),
        4: Answer(status=200, body=b"the receipt is lost"),  # stored, but the sender cannot know
    }
    server.plan = lambda n: script.get(n, Answer())

    run = ergoscope.init()
    for step in range(300):
        run.log({"x": float(step)}, step=step)
        time.sleep(0.004)
    run.finish()

    assert [step for step, _ in server.points("x")] == list(range(300))
    assert len(server.arrivals) > len(server.batches)
    assert sorted(key[3] for key in server.batches) == list(range(len(server.batches)))


def test_a_sidecar_that_died_is_replaced_at_the_end(server: FakeServer, until: Until) -> None:
    run = ergoscope.init()
    assert run._line
    words = run._line.ring.words
    until(lambda: words[Word.READER_PID], what="the sidecar")
    run.log({"x": 1.0}, step=0)
    until(lambda: server.points("x"), what="the first row")

    os.kill(words[Word.READER_PID], signal.SIGKILL)
    for step in range(1, 100):
        run.log({"x": 1.0}, step=step)
    run.finish()

    assert [step for step, _ in server.points("x")] == list(range(100))
    assert [ending.how for ending in server.endings] == ["finished"]
