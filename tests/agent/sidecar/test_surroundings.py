"""What a job runs on and with which code is found out beside it, and told once."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import ergoscope
from ergoscope.capture import Source
from ergoscope.sidecar import surroundings
from ergoscope.sidecar.surroundings import Surroundings
from ergoscope_contract.records import Event, JsonObject
from tests.agent.fake_server import FakeServer

Until = Callable[..., None]


def look(folder: Path, source: Source, *, batches: tuple[int, ...] = (3, 5)) -> tuple[list[Event], list[JsonObject]]:
    """Look, with so many batches on disk when it is handed over and each time that something was written."""
    told: list[Event] = []
    found: list[JsonObject] = []
    written = iter(batches)
    one = Surroundings(
        folder, source, tell=told.append, describe=found.append, clock=lambda: 5.0, written=lambda: next(written)
    )
    one.run()
    if found:
        for _ in batches[1:]:
            one.settle()
    return told, found


def test_only_the_first_sidecar_of_an_attempt_looks(tmp_path: Path) -> None:
    source = Source(str(tmp_path), modules=["msgspec"])

    told, found = look(tmp_path, source)

    assert told == []
    assert "memory_gib" in found[0]
    assert look(tmp_path, source) == ([], [])


def test_the_next_sidecar_looks_again_when_the_first_was_killed_before_it_was_written(tmp_path: Path) -> None:
    source = Source(str(tmp_path))

    found = [look(tmp_path, source, batches=batches)[1] for batches in ((3,), (3, 3, 4), (4, 5, 6), (6, 8))]

    assert [len(one) for one in found] == [1, 1, 1, 0]


def test_a_disk_that_is_full_leaves_it_to_the_next(tmp_path: Path) -> None:
    look(tmp_path / "not there", Source(str(tmp_path)))

    assert len(look(tmp_path, Source(str(tmp_path)))[1]) == 1


def test_what_goes_wrong_is_logged_and_hurts_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Source) -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr(surroundings, "describe_code", fail)

    assert look(tmp_path, Source(str(tmp_path))) == ([], [])


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit of one line."""
    for name in list(os.environ):
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "train.py").write_text("x = 1\n")
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run(["git", *who, *words], cwd=folder, check=True)
    return folder


@pytest.mark.parametrize("save", [True, False])
def test_a_real_job_is_known_with_its_packages_its_commit_and_its_changes(
    save: bool, server: FakeServer, surroundings: Path, code: Path, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    (code / "train.py").write_text(
        f"import ergoscope, torch\nwith ergoscope.init(base_url={server.url!r}, save_code={save}) as run:\n"
        "    run.log({'x': 1.0})\n    input()\n"
    )
    monkeypatch.setenv("MY_TOKEN", "s3cret")
    monkeypatch.delenv("ERGOSCOPE_SAVE_CODE")

    def known() -> bool:
        batches = list(server.batches.values())
        told = any(event.kind == "code" for batch in batches for event in batch.events)
        return any(batch.begun and "git" in batch.begun.system for batch in batches) and told >= save

    command = [sys.executable, "train.py", "--token", "s3cret"]
    with subprocess.Popen(command, cwd=code, stdin=subprocess.PIPE, text=True) as job:
        try:
            until(known, what="what the job runs on", seconds=60.0)  # torch is imported first
            job.communicate("\n", timeout=60)
        finally:
            job.kill()

    assert job.returncode == 0
    systems = [batch.begun.system for batch in server.batches.values() if batch.begun]
    assert systems[0]["command"] == ["train.py", "--token", "(hidden)"]
    git, packages = systems[-1]["git"], systems[-1]["packages"]
    assert isinstance(git, dict)
    assert isinstance(packages, dict)
    assert systems[-1].keys() >= systems[0].keys()  # the first may know all, where a machine is quick
    assert "torch" in packages
    assert git["dirty"] is True
    assert len(git["commit"]) == 40
    diffs = [e for batch in server.batches.values() for e in batch.events if e.kind == "code"]
    assert len(diffs) == save
    if save:
        assert diffs[0].text.startswith("uncommitted: 1 file changed, 4 insertions(+), 1 deletion(-), on commit ")
        assert "+    run.log({'x': 1.0})" in str(diffs[0].data["diff"])
    assert "s3cret" not in str(server.batches)


def test_a_job_does_not_wait_for_it(
    server: FakeServer, surroundings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = tmp_path / "bin" / "git"
    hangs.parent.mkdir()
    hangs.write_text("#!/bin/sh\nexec sleep 12\n")  # longer than anybody waits for git
    hangs.chmod(0o755)
    monkeypatch.setenv("PATH", f"{hangs.parent}:{os.environ['PATH']}")
    began = time.perf_counter()

    run = ergoscope.init(base_url=server.url)
    took = time.perf_counter() - began
    run.finish()

    assert took < 8
