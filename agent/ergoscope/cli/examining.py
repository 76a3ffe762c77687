"""What a job needs of this machine and of its server, looked at one by one; nothing is changed, torch not imported."""

import platform
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryFile
from typing import Literal

import urllib3

from ergoscope.credentials import find_token
from ergoscope.errors import SettingError
from ergoscope.settings import Settings
from ergoscope.stream.ring import LEFT_TO_OTHERS

State = Literal["ok", "warn", "fail"]
SHARED_MEMORY = Path("/dev/shm")
OLDEST_TORCH = (2, 4)
LITTLE, NOTHING = 1 << 30, 64 << 20  # bytes left on a disk
APART_S = 5.0  # clocks that differ by more make times on the page hard to read
SOON_S = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, what was seen, and what to do where it is not well."""

    name: str
    state: State
    said: str
    todo: str = ""


def examine_machine(settings: Settings) -> Iterator[Finding]:
    """Look at what is installed, and at the places that a job writes to."""
    yield Finding("ergoscope", "ok", f"{version('ergoscope')} on Python {platform.python_version()}")
    yield _torch()
    yield _spool(settings.folder)
    yield _ring(settings.ring_mib)


def examine_server(settings: Settings) -> Iterator[Finding]:
    """Look whether the server answers, whether it is ready, whose clock it has, and whether it lets us in."""
    url = settings.base_url.rstrip("/")
    with urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(SOON_S)) as pool:
        try:
            alive = pool.request("GET", f"{url}/healthz", redirect=False)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            reason = str(error).rpartition(">: ")[2] or type(error).__name__
            yield Finding(
                "server",
                "fail",
                f"{url} does not answer: {reason}",
                "start one: ergoscope up, or set ERGOSCOPE_BASE_URL",
            )
            return
        if alive.status != 200:
            seen = f"{url} answers {alive.status} where a server says that it lives"
            yield Finding(
                "server", "fail", seen, "see that ERGOSCOPE_BASE_URL is ergoscope's and not another program's"
            )
            return
        yield Finding("server", "ok", f"{url} answers")
        yield _ready(pool, url)
        yield _clock(alive.headers.get("Date", ""), now=time.time())
        yield _token(pool, settings, url)


def _torch() -> Finding:
    try:
        seen = version("torch")
    except PackageNotFoundError:
        todo = "run.log works without; for ergoscope.watch install PyTorch"
        return Finding("torch", "warn", "not installed here", todo)
    try:
        numbers = tuple(int(part) for part in seen.split(".")[:2])
    except ValueError:
        return Finding("torch", "warn", f"{seen}, which is no version as they are known", "see that it is 2.4 or newer")
    if numbers < OLDEST_TORCH:
        return Finding("torch", "fail", f"{seen} is too old", "install 2.4 or newer")
    return Finding("torch", "ok", seen)


def _spool(folder: Path) -> Finding:
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    try:
        with TemporaryFile(dir=there):
            pass
    except OSError as error:
        return Finding(
            "spool", "fail", f"{there} cannot be written: {error.strerror}", "set ERGOSCOPE_DIR to a place that can be"
        )
    left = shutil.disk_usage(there).free
    said = f"{folder} can be written, with {left / 2**20:,.0f} MiB left"
    if left < LITTLE:
        return Finding("spool", "fail" if left < NOTHING else "warn", said, "make room, or set ERGOSCOPE_DIR")
    return Finding("spool", "ok", said)


def _ring(size_mib: int) -> Finding:
    if not SHARED_MEMORY.is_dir():
        return Finding("ring", "warn", f"there is no {SHARED_MEMORY}", "the ring lies on disk then, which is slower")
    try:
        with TemporaryFile(dir=SHARED_MEMORY):
            pass
    except OSError as error:
        said = f"{SHARED_MEMORY} cannot be written: {error.strerror}"
        return Finding("ring", "warn", said, "the ring lies on disk then, which is slower")
    left = shutil.disk_usage(SHARED_MEMORY).free
    said = f"{left / 2**20:,.0f} MiB are left in {SHARED_MEMORY}, for a ring of {size_mib} MiB"
    if left < LEFT_TO_OTHERS * size_mib * 2**20:
        todo = "the ring will be smaller, or on disk; give a container more with --shm-size"
        return Finding("ring", "warn", said, todo)
    return Finding("ring", "ok", said)


def _ready(pool: urllib3.PoolManager, url: str) -> Finding:
    try:
        answer = pool.request("GET", f"{url}/readyz", redirect=False)
        said = answer.json()
        status, reasons = str(said["status"]), "; ".join(said["reasons"])
    except (urllib3.exceptions.HTTPError, OSError, ValueError, KeyError, TypeError):
        return Finding("ready", "warn", "the server does not say whether it is ready", "see its log")
    if status == "ready":
        return Finding("ready", "ok", "it can take batches")
    state: State = "warn" if answer.status == 200 else "fail"
    return Finding(
        "ready", state, f"it is {status}: {reasons}", "jobs keep what they measure meanwhile; mend the server"
    )


def _clock(date: str, *, now: float) -> Finding:
    try:
        apart = now - parsedate_to_datetime(date).timestamp()
    except ValueError:
        return Finding("clock", "warn", "the server does not say what time it is", "")
    if abs(apart) <= APART_S:
        return Finding("clock", "ok", "the same as the server's to a few seconds")
    which = "ahead of" if apart > 0 else "behind"
    return Finding("clock", "warn", f"{abs(apart):.0f} s {which} the server's", "set both by NTP")


def _token(pool: urllib3.PoolManager, settings: Settings, url: str) -> Finding:
    try:
        token = find_token(url, settings.api_key or None)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        status = pool.request("GET", f"{url}/api/v1/runs?limit=1", headers=headers, redirect=False).status
    except SettingError as error:
        return Finding("token", "fail", str(error), "")
    except (urllib3.exceptions.HTTPError, OSError) as error:
        return Finding("token", "warn", f"the server was gone when asked: {type(error).__name__}", "try again")
    make = "make one where the service runs, and set ERGOSCOPE_API_KEY: ergoscope token create"
    if status == 401:
        return Finding("token", "fail", "the token is not accepted" if token else "the server asks for a token", make)
    if status == 403 and token:  # it may only write
        return Finding("token", "ok", "accepted; it does not let one read")
    if status != 200:
        return Finding("token", "warn", f"asked for runs, the server answers {status}", "see its log")
    return Finding("token", "ok", "accepted" if token else "none is needed")
