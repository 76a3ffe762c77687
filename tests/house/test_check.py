"""The one command that runs every check."""

import os
import subprocess

from tests.house.tree import ROOT


def test_check_can_be_run_as_it_is() -> None:
    assert os.access(ROOT / "check", os.X_OK)


def test_an_unknown_option_is_refused_before_anything_runs() -> None:
    done = subprocess.run([ROOT / "check", "--fast"], capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 2
    assert done.stderr == "check: unknown option '--fast'; there are --quick and --fix\n"


def test_without_the_tools_it_says_how_to_get_them() -> None:
    surroundings = {"PATH": "/usr/bin:/bin", "VIRTUAL_ENV": "/nowhere"}

    done = subprocess.run([ROOT / "check"], env=surroundings, capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 2
    assert "/nowhere/bin/python lacks the development tools; run: /nowhere/bin/python -m pip install" in done.stderr
