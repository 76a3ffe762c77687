"""A sidecar beside its job, without it, and without a server."""

import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import ergoscope
from ergoscope.stream.ring import Word
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
def test_a_killed_job_loses_nothing_and_says_how_it_ended(
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
    how = "failed" if death == signal.SIGTERM else "crashed"
    assert (ending.how, ending.last_step) == (how, steps[-1])
    assert ending.reason.startswith("terminated by SIGTERM") == (death == signal.SIGTERM)
    until(lambda: not spools(surroundings), what="the end of the spool")


def test_a_server_that_goes_away_and_comes_back_gets_everything_in_order(
    surroundings: Path, server: FakeServer, job: Callable[[str], "subprocess.Popen[str]"], until: Until
) -> None:
    process = job(JOB)
    read_until(process, "200")
    until(lambda: server.posts, what="the first delivery")
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


def test_a_sidecar_that_died_is_replaced_while_the_job_goes_on(server: FakeServer, until: Until) -> None:
    run = ergoscope.init()
    assert run._line
    words = run._line.ring.words
    run.log({"x": 1.0}, step=0)
    until(lambda: server.points("x"), what="the first row")
    first = words[Word.READER_PID]
    os.kill(first, signal.SIGKILL)

    step = 0
    while words[Word.READER_PID] == first:
        step += 1
        run.log({"x": 1.0}, step=step)
        time.sleep(0.01)
        assert step < 2000
    until(lambda: len(server.points("x")) == step + 1, what="the rest")
    run.finish()

    assert [at for at, _ in server.points("x")] == list(range(step + 1))
    texts = [event.text for batch in server.batches.values() for event in batch.events]
    assert texts == ["the sidecar was gone; another one took over, nothing that it had not sent is lost"]


FLOOD = """
import ergoscope, os, resource, signal, sys, time
run = ergoscope.init(project="p", ring_mib=1)
words = run._line.ring.words
while not words[9]:
    time.sleep(0.01)
os.kill(words[9], signal.SIGSTOP)
sizes = []
longest = 0.0
for step in range(150000):
    began = time.perf_counter()
    run.log({"x": 1e6 if step == 70000 else -1e6 if step == 90000 else step % 7, "y": float(step)}, step=step)
    longest = max(longest, time.perf_counter() - began)
    if step in (80000, 149999):
        sizes.append(int(open("/proc/self/statm").read().split()[1]) * 4096)
print(sizes[1] - sizes[0], longest, words[9], flush=True)
os.kill(words[9], signal.SIGCONT)
run.finish()
"""


def test_while_the_sidecar_stands_still_the_job_goes_on_in_flat_memory_and_no_extreme_is_lost(
    server: FakeServer, job: Callable[[str], "subprocess.Popen[str]"]
) -> None:
    out, said = job(FLOOD).communicate(timeout=100)

    grown, longest, _ = out.split()
    assert int(grown) < 4 << 20, said
    assert float(longest) < 20  # nobody reads, so a job that waited for room would wait for ever
    points = server.points("x")
    steps = [step for step, _ in points]
    values = [value for _, value in points]
    assert (steps[0], steps[-1]) == (0, 149_999)
    assert (min(values), max(values)) == (-1e6, 1e6)
    assert steps == sorted(steps)
    lost = max(batch.pulse.lost for batch in server.batches.values() if batch.pulse)
    assert lost + len(points) == 150_000
    texts = [event.text for batch in server.batches.values() for event in batch.events if event.kind == "agent"]
    assert any(text.startswith("the sidecar did not keep up: between steps ") for text in texts)
    assert [ending.how for ending in server.endings] == ["finished"]


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits another process")
def test_a_disk_that_takes_nothing_is_waited_for_and_told_and_nothing_is_lost(server: FakeServer, until: Until) -> None:
    run = ergoscope.init()
    assert run._line
    run.log({"x": 0.0}, step=0)
    until(lambda: server.points("x"), what="the first row")
    sidecar = run._line.ring.words[Word.READER_PID]
    limits = resource.prlimit(sidecar, resource.RLIMIT_FSIZE)
    resource.prlimit(sidecar, resource.RLIMIT_FSIZE, (1, limits[1]))

    for step in range(1, 500):
        run.log({"x": float(step), f"new{step // 100}": 1.0}, step=step)
        time.sleep(0.002)
    assert len(server.points("x")) < 400  # all is logged, and little of it written
    resource.prlimit(sidecar, resource.RLIMIT_FSIZE, limits)
    run.finish()

    assert [step for step, _ in server.points("x")] == list(range(500))
    assert len(server.points("new4")) == 100
    texts = [event.text for batch in server.batches.values() for event in batch.events]
    assert any("nothing could be written to " in text and "File too large" in text for text in texts)
    assert not any(batch.pulse.lost for batch in server.batches.values() if batch.pulse)
