"""A job that logs more than it may: what is allowed arrives, and what is not is told once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Service, until

WIDE = """
import time, ergoscope
run = ergoscope.init(project="bounds", name="wide")
for step in range(60):
    run.log({f"x{i}": step + i for i in range(8)}, step=step)
    time.sleep(0.05)
run.finish()
"""
FAST = """
import ergoscope
run = ergoscope.init(project="bounds", name="fast")
for step in range(30_000):
    run.log({"x": step}, step=step)
run.finish()
"""


@pytest.fixture
def bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("ERGOSCOPE_RUN_SERIES", "5")
    monkeypatch.setenv("ERGOSCOPE_RUN_RATE", "2000")
    running = Service(tmp_path)
    yield running
    running.close()


def test_series_too_many_cost_no_other_and_are_told_once(bounded: Service) -> None:
    job = bounded.job(WIDE)

    assert job.wait(timeout=60) == 0

    run = until(lambda: next(iter(bounded.api.runs()), None), what="the run")
    until(lambda: bounded.api.run(run.id).status == "finished", what="the end of the run")
    kept = [metric for metric in bounded.api.run(run.id).metrics() if metric.key.startswith("x")]
    assert [(metric.key, metric.points) for metric in kept] == [(f"x{i}", 60) for i in range(5)]
    told = [event.text for event in bounded.api.run(run.id).events() if event.kind == "refused"]
    assert len(told) == 1
    assert "the run has 5 series, and may have 5; what is logged under the new name 'x5' is not kept" in told[0]


def test_a_job_that_logs_too_fast_is_held_up_at_its_spool_and_loses_nothing(bounded: Service) -> None:
    job = bounded.job(FAST)

    assert job.wait(timeout=60) == 0

    run = until(lambda: next(iter(bounded.api.runs()), None), what="the run")
    until(lambda: bounded.api.run(run.id).status == "finished", what="the end of the run")
    assert bounded.api.run(run.id).series("x").steps.tolist() == list(range(30_000))
