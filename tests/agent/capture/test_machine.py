"""Processor, memory and accelerators, from the system's own files."""

from pathlib import Path

import pytest

from ergoscope.capture.machine import describe_machine


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "proc"
    made.mkdir()
    (made / "cpuinfo").write_text("processor\t: 0\nmodel name\t: AMD EPYC 9454\n")
    (made / "meminfo").write_text("MemTotal:       33554432 kB\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    return made


def test_what_the_files_say_is_told(proc: Path, tmp_path: Path) -> None:
    for bus in ("0000:01:00.0", "0000:02:00.0"):
        (proc / "driver/nvidia/gpus" / bus).mkdir(parents=True)
        (proc / "driver/nvidia/gpus" / bus / "information").write_text("Model: \t\t NVIDIA H200\nIRQ: 5\n")
    (proc / "driver/nvidia/version").write_text("NVRM version: NVIDIA UNIX Kernel Module  580.65.06  Sun\n")
    (tmp_path / "memory.max").write_text("17179869184\n")

    facts = describe_machine(proc=proc, cgroup=tmp_path)

    assert facts["cpu"] == "AMD EPYC 9454"
    assert (facts["memory_gib"], facts["memory_limit_gib"]) == (32.0, 16.0)
    assert facts["gpus"] == ["NVIDIA H200", "NVIDIA H200"]
    assert facts["driver"] == "580.65.06"


def test_where_there_are_no_files_the_drivers_program_is_asked(proc: Path, tmp_path: Path) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA H200, 143771, 580.65.06'\n")
    program.chmod(0o755)

    facts = describe_machine(proc=proc, cgroup=tmp_path)

    assert (facts["gpus"], facts["driver"]) == (["NVIDIA H200, 140 GiB"], "580.65.06")


@pytest.mark.parametrize("script", ["exit 9", "echo 'No devices were found'", "exec /bin/sleep 60"])
def test_what_cannot_be_told_is_left_out(
    script: str, proc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ergoscope.capture.machine.PATIENCE_S", 0.2)
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    (tmp_path / "memory.max").write_text("max\n")

    facts = describe_machine(proc=tmp_path / "absent", cgroup=tmp_path)

    assert not facts.keys() & {"gpus", "cpu", "memory_gib", "memory_limit_gib"}


def test_here_it_says_something() -> None:
    assert "memory_gib" in describe_machine()
