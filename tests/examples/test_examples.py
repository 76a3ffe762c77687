"""Every example runs as it stands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SHORT = {"invariant_measure": ("--steps", "1200", "--drop", "600")}  # test_invariant_measure.py trains on
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_runs_without_a_server_and_keeps_its_data(example: Path, tmp_path: Path) -> None:
    surroundings = {**os.environ, "ERGOSCOPE_DIR": str(tmp_path), "ERGOSCOPE_MODE": "offline"}

    command = [sys.executable, str(example), *SHORT.get(example.stem, ())]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, timeout=240)

    assert done.returncode == 0, done.stderr
    assert any(tmp_path.rglob("*")), "nothing was kept"
