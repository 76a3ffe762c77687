"""What a job says of itself, and what it never says."""

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ergoscope.capture.job import TOLD, at_home, describe_system, rank, source


def test_variables_are_told_only_from_a_fixed_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "s3cret-value")
    monkeypatch.setenv("SLURM_JOB_ID", "4711")

    facts = describe_system(["train.py"])

    assert "s3cret-value" not in json.dumps(facts)
    assert facts["environment"] == {name: os.environ[name] for name in TOLD if os.environ.get(name)}
    assert "4711" in json.dumps(facts)
    assert "environment" not in describe_system(["train.py"], {"HOME": "/root", "RANK": ""})


def test_the_system_says_what_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path.parent))

    facts = describe_system(["train.py", "--lr", "1", "--token=x", "y" * 5000])

    assert facts["command"] == ["train.py", "--lr", "1", "--token=(hidden)", "y" * 1000]
    assert facts["folder"] == f"~/{tmp_path.name}"
    assert {"script", "python", "platform", "cpus"} <= facts.keys()
    assert json.loads(json.dumps(facts)) == facts


def test_a_folder_that_was_removed_is_no_trouble(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    assert describe_system([])["folder"] == ""


def test_only_devices_in_use_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    in_use = [False]
    cuda = SimpleNamespace(
        is_initialized=lambda: in_use[0],
        device_count=lambda: 1,
        get_device_properties=lambda i: SimpleNamespace(name="NVIDIA H200", total_memory=150 << 30),
    )
    fake = SimpleNamespace(__version__="2.9", version=SimpleNamespace(cuda="13.0", hip=None), cuda=cuda)
    monkeypatch.setitem(sys.modules, "torch", fake)  # type: ignore[arg-type]  # it stands in for the module

    idle = describe_system(["x"])
    in_use[0] = True
    busy = describe_system(["x"])

    assert (idle["torch"], idle["cuda"], "hip" in idle, "gpus" in idle) == ("2.9", "13.0", False, False)
    assert busy["gpus"] == ["NVIDIA H200, 150 GiB"]


def test_a_torch_that_is_broken_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(__version__="2.9"))  # type: ignore[arg-type]  # stands in

    assert describe_system(["x"])["torch"] == "2.9"


def test_the_source_names_imported_packages_but_not_pythons_own() -> None:
    said = source(["a.py"], save_code=False)

    assert {"pytest", "msgspec"} <= set(said.modules)
    assert not {"os", "json"} & set(said.modules)
    assert (said.script, said.folder, said.save_code) == ("a.py", str(Path.cwd()), False)


def test_a_path_at_home_does_not_name_the_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")

    assert [at_home(p) for p in ("/home/ann", "/home/ann/x", "/home/anna", "/data")] == [
        "~",
        "~/x",
        "/home/anna",
        "/data",
    ]


def test_ranks_are_what_torchrun_says_and_nonsense_is_none() -> None:
    assert rank({}) == (0, 1)
    assert rank({"RANK": "3", "WORLD_SIZE": "8"}) == (3, 8)
    assert rank({"RANK": "8", "WORLD_SIZE": "8"}) == (0, 1)
    assert rank({"RANK": "x"}) == (0, 1)
