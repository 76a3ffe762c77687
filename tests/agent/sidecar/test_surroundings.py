"""What a job runs on and with which code is found out beside it, and told once."""

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


def look(folder: Path, source: Source) -> tuple[list[Event], list[JsonObject]]:
    told: list[Event] = []
    found: list[JsonObject] = []
    Surroundings(folder, source, tell=told.append, describe=found.append, clock=lambda: 5.0).run()
    return told, found


def test_only_the_first_sidecar_of_an_attempt_looks(tmp_path: Path) -> None:
    source = Source(str(tmp_path), modules=["msgspec"])

    told, found = look(tmp_path, source)

    assert told == []
    assert "memory_gib" in found[0]
    assert look(tmp_path, source) == ([], [])


def test_what_goes_wrong_is_logged_and_hurts_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Source) -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr(surroundings, "describe_code", fail)

    assert look(tmp_path, Source(str(tmp_path))) == ([], [])


@pytest.mark.parametrize("save", [True, False])
def test_a_real_job_is_known_with_its_packages_its_commit_and_its_changes(
    save: bool, server: FakeServer, surroundings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "train.py").write_text("x = 1\n")
    commit = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "-m", "first"]
    for words in (["git", "init", "-q"], ["git", "add", "."], commit):
        subprocess.run(words, cwd=code, check=True)
    (code / "train.py").write_text(
        f"import ergoscope, torch\nwith ergoscope.init(base_url={server.url!r}, save_code={save}) as run:\n"
        "    run.log({'x': 1.0})\n"
    )
    monkeypatch.setenv("MY_TOKEN", "s3cret")
    monkeypatch.delenv("ERGOSCOPE_SAVE_CODE")

    subprocess.run([sys.executable, "train.py", "--token", "s3cret"], cwd=code, check=True, timeout=60)

    systems = [batch.begun.system for batch in server.batches.values() if batch.begun]
    assert systems[0]["command"] == ["train.py", "--token", "(hidden)"]
    git, packages = systems[-1]["git"], systems[-1]["packages"]
    assert isinstance(git, dict)
    assert isinstance(packages, dict)
    assert systems[-1].keys() > systems[0].keys()
    assert "torch" in packages
    assert git["dirty"] is True
    assert len(git["commit"]) == 40
    diffs = [e for batch in server.batches.values() for e in batch.events if e.kind == "code"]
    assert len(diffs) == save
    if save:
        assert diffs[0].text.startswith("uncommitted: 1 file changed, 3 insertions(+), 1 deletion(-), on commit ")
        assert "+    run.log({'x': 1.0})" in str(diffs[0].data["diff"])
    assert "s3cret" not in str(server.batches)


def test_a_job_does_not_wait_for_it(server: FakeServer, surroundings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.perf_counter()
    run = ergoscope.init(base_url=server.url)
    took = time.perf_counter() - began
    run.finish()

    assert took < 0.5
