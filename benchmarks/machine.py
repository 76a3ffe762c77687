"""The machine and the commit that a figure belongs to."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def commit() -> str:
    """Give the short commit of this checkout, with a plus when the tree differs from it."""
    here = Path(__file__).parent
    ask = ["git", "-C", str(here)]
    name = subprocess.run([*ask, "rev-parse", "--short=10", "HEAD"], capture_output=True, text=True).stdout.strip()
    changed = subprocess.run([*ask, "status", "--porcelain", "-uno"], capture_output=True, text=True).stdout.strip()
    return (name or "no commit") + ("+" if changed else "")


def processor() -> str:
    """Give the processor's name as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def about(*packages: str) -> str:
    """Describe machine, commit and the versions of the named packages in one line."""
    versions = []
    for name in packages:
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            versions.append(f"{name} not installed")
    parts = [f"{os.cpu_count()} cores", processor(), f"Python {platform.python_version()}", *versions]
    return f"{', '.join(parts)}; commit {commit()}"
