"""Whether a script ran to its end can be told when it is over."""

import subprocess
import sys
from pathlib import Path

import pytest

from ergoscope.lifetime.script import Script

WATCH = "import atexit, sys\nfrom ergoscope.lifetime.script import Script\n"
INSIDE = f"{WATCH}def begin():\n    script = Script()\n    atexit.register(lambda: print(script.broken_off))\nbegin()\n"


def told(folder: Path, code: str, way: str) -> str:
    (folder / "job.py").write_text(INSIDE + code)
    arguments = {"file": ["job.py"], "module": ["-m", "job"], "command": ["-c", INSIDE + code]}[way]
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.mark.parametrize("way", ["file", "module", "command"])
@pytest.mark.parametrize(
    ("code", "broken_off"),
    [
        ("", "False"),
        ("try:\n    raise SystemExit(2)\nexcept SystemExit:\n    pass", "False"),
        ("with open('job.txt', 'w'):\n    pass", "False"),
        ("raise SystemExit(0)", "True"),
        ("def main():\n    raise ValueError\nmain()", "True"),
        ("try:\n    raise SystemExit(2)\nfinally:\n    x = 1", "True"),
        ("with open('job.txt', 'w'):\n    raise SystemExit", "True"),
    ],
)
def test_a_script_that_an_exception_has_ended_is_broken_off(
    way: str, code: str, broken_off: str, tmp_path: Path
) -> None:
    assert told(tmp_path, code, way) == broken_off


def test_a_script_that_runs_is_not_broken_off() -> None:
    assert not Script().broken_off


def test_it_is_left_by_an_exception_that_went_through_its_outermost_frame(tmp_path: Path) -> None:
    code = (
        f"{WATCH}script = Script()\n"
        "def inner():\n    try:\n        1 / 0\n    except ZeroDivisionError as error:\n        return error\n"
        "inside = inner()\n"
        "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    through = error\n"
        "print([script.is_left_by(e and e.__traceback__) for e in (None, inside, through)])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert done.stdout.strip() == "[False, False, True]", done.stderr
