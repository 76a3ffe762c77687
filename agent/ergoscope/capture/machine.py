"""The machine that a job runs on; read beside the job."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from ergoscope_contract.records import JsonObject

PROC = Path("/proc")
CGROUP = Path("/sys/fs/cgroup")
PATIENCE_S = 5.0
_ASK_DRIVER = ("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits")


def describe_machine(*, proc: Path = PROC, cgroup: Path = CGROUP) -> JsonObject:
    """Say what processor, memory and accelerators there are; what cannot be told is left out."""
    facts: JsonObject = {}
    model = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", _read(proc / "cpuinfo"), re.MULTILINE)
    if model:
        facts["cpu"] = model[1].strip()
    if hasattr(os, "sched_getaffinity"):
        facts["cpus_allowed"] = len(os.sched_getaffinity(0))
    memory = re.search(r"^MemTotal:\s*(\d+) kB", _read(proc / "meminfo"), re.MULTILINE)
    if memory:
        facts["memory_gib"] = round(int(memory[1]) / 2**20, 1)
    limit = _read(cgroup / "memory.max").strip()
    if limit.isdigit():
        facts["memory_limit_gib"] = round(int(limit) / 2**30, 1)
    return {**facts, **_gpus(proc)}


def _gpus(proc: Path) -> JsonObject:
    """Ask the driver's own files first: starting its program takes a second and may wake the devices."""
    files = sorted((proc / "driver/nvidia/gpus").glob("*/information"))
    names = [found[1].strip() for file in files if (found := re.search(r"^Model:\s*(.+)$", _read(file), re.MULTILINE))]
    driver = re.search(r"Kernel Module.*?\s(\d+\.\d+[.\d]*)\s", _read(proc / "driver/nvidia/version"))
    if names:
        return {"gpus": names, **({"driver": driver[1]} if driver else {})}
    program = shutil.which(_ASK_DRIVER[0])
    if program is None:
        return {}
    try:
        said = subprocess.run(
            [program, *_ASK_DRIVER[1:]], capture_output=True, text=True, timeout=PATIENCE_S, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return {}
    rows = [[cell.strip() for cell in line.split(",")] for line in said.splitlines() if line.count(",") == 2]
    gpus = [f"{name}, {float(mib) / 1024:.0f} GiB" for name, mib, _ in rows if mib.replace(".", "").isdigit()]
    return {"gpus": gpus, "driver": rows[0][2]} if gpus else {}


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
