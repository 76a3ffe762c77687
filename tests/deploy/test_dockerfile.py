"""backend/Dockerfile passes hadolint, and copies what is there. No image is built here."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.deploy.files import DOCKERFILE, PINNED, ROOT, version

TEXT = DOCKERFILE.read_text(encoding="utf-8")


def _lint(path: Path) -> subprocess.CompletedProcess[str]:
    beside = Path(sys.executable).parent
    found = shutil.which("hadolint", path=str(beside)) or shutil.which("hadolint")
    assert found, "hadolint is a development tool: pip install -c .ci/constraints.txt -e '.[dev]'"
    return subprocess.run([found, "--no-color", str(path)], capture_output=True, text=True)


def test_the_linter_has_nothing_to_say() -> None:
    linted = _lint(DOCKERFILE)

    assert (linted.returncode, linted.stdout) == (0, "")


def test_the_linter_says_something_of_what_is_not_pinned(tmp_path: Path) -> None:
    loose = tmp_path / "Dockerfile"
    loose.write_text("FROM python:latest\nRUN pip install ergoscope\n")

    linted = _lint(loose)

    assert linted.returncode == 1
    assert {"DL3007", "DL3013"} <= set(re.findall(r"DL\d+", linted.stdout))


def test_images_are_pinned_and_the_last_one_has_a_user_without_rights() -> None:
    images = re.findall(r"^FROM (\S+)", TEXT, re.MULTILINE)
    users = re.findall(r"^USER (\S+)", TEXT[TEXT.rindex("\nFROM ") :], re.MULTILINE)

    assert images and all(PINNED.fullmatch(image) for image in images)
    assert users == ["7117:7117"]


def test_what_is_copied_is_there_and_let_through() -> None:
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [line.split()[1:-1] for line in TEXT.splitlines() if line.startswith("COPY ") and "--from" not in line]

    sources = {source for sources in copied for source in sources}

    assert sources == let_through
    assert all((ROOT / source).exists() for source in sources)


def test_it_is_of_this_version() -> None:
    named = re.findall(r"ergoscope[:-](\d+\.\d+\.\d+)", TEXT)

    assert named and set(named) == {version()}
