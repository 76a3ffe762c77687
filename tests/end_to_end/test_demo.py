"""The main job as a newcomer starts it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ergoscope import Api
from tests.end_to_end.conftest import HOST, Service, free_port, until

DEMO = [sys.executable, "-m", "ergoscope.cli", "demo"]


def demo(task: str, steps: int, folder: Path, port: int) -> "subprocess.Popen[str]":
    options = ["--task", task, "--steps", str(steps), "--port", str(port), "--data-dir", str(folder), "--no-browser"]
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("ERGOSCOPE_")}
    return subprocess.Popen(
        [*DEMO, *options, "--exit-when-done"],
        env=surroundings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_demo_prints_its_address_trains_and_leaves(tmp_path: Path) -> None:
    port = free_port()
    process = demo("digits", 1500, tmp_path, port)
    api = Api(f"http://{HOST}:{port}")

    seen = until(lambda: [steps for run in api.runs() if (steps := run.summary.last_step)], what="a live run")
    later = until(
        lambda: [steps for run in api.runs() if (steps := run.summary.last_step or 0) > seen[0]], what="its growth"
    )
    out, _ = process.communicate(timeout=120)

    assert later[0] > seen[0]
    assert process.returncode == 0, out
    assert f"http://{HOST}:{port}" in out


def test_a_diverging_run_raises_an_alert(service: Service, tmp_path: Path) -> None:
    job = subprocess.run(
        [sys.executable, "-m", "ergoscope.demo", "diverge", "--steps", "1500"],
        env=service.surroundings(),
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert job.returncode == 0, job.stderr
    alerts = until(lambda: [alert.rule for alert in service.api.alerts()], what="an alert")
    assert set(alerts) & {"nonfinite", "divergence"}
    verdict = until(
        lambda: v if "NONFINITE" in (v := service.api.run(service.api.runs()[0].id).verdict()).flags else None,
        what="the flag",
    )
    assert "NaN" in verdict.headline or "finite" in verdict.headline


@pytest.mark.parametrize(("options", "text"), [(["--steps", "0"], "--steps is 0; it must be at least 1")])
def test_a_bad_option_is_refused_with_what_was_seen(options: list[str], text: str) -> None:
    done = subprocess.run([*DEMO, *options], capture_output=True, text=True, timeout=60)

    assert done.returncode == 2
    assert text in done.stderr


def test_a_taken_port_is_said_plainly(service: Service) -> None:
    done = subprocess.run([*DEMO, "--port", str(service.port)], capture_output=True, text=True, timeout=60)

    assert done.returncode == 2
    assert f"port {service.port} is in use; choose another with --port" in done.stderr
