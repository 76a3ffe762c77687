"""The state of a job's code, as git has it. Runs beside the job, and changes nothing.

git would write its index anew when it sees other times in it, under a lock that a commit of the user's may trip over;
so it is given a copy.
"""

import contextlib
import os
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ergoscope.capture.job import Source, at_home
from ergoscope.capture.masking import mask
from ergoscope_contract.records import JsonObject

DIFF_BYTES = 512 * 1024
LARGE = "8m"  # a file above this is data, which git names only
PATIENCE_S = 10.0  # a repository on a slow disk
# No hook, no daemon and no pager of the user's runs because of us; nor a filter, for which see _without_filters.
_GIT = ("git", "--no-pager", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false")
# What lies in git-lfs is data too, which without its filter would be shown whole against the pointer in the commit.
_NAMED_ONLY = ("-c", "diff.lfs.binary=true", "-c", f"core.bigFileThreshold={LARGE}")
_DIFF = ("--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules")
_CODE_FIRST = "*.py\n*.pyx\n*.c\n*.cc\n*.cpp\n*.cu\n*.h\n*.sh\n*.yaml\n*.yml\n*.toml\n*.cfg\n*.ini\n*.md\n"


def describe_code(source: Source) -> tuple[JsonObject, str]:
    """Say which commit a job runs, and what is changed in it.

    Untracked files are not looked for: in a folder of data that takes minutes. Binary and large files, and those of
    git-lfs, are named, not held. Code comes before what else was changed.

    Returns:
        commit, branch, remote, dirty and how many lines were changed, and the changes themselves; both empty where
        there is no repository, the changes also when they are not to be saved.
    """
    folder = _repository(source)
    if folder is None:
        return {}, ""
    facts: JsonObject = {"folder": at_home(str(folder))}
    for name, words in (
        ("commit", ("rev-parse", "--verify", "-q", "HEAD")),
        ("branch", ("symbolic-ref", "--short", "-q", "HEAD")),
        ("remote", ("config", "--get", "remote.origin.url")),
    ):
        if said := _ask(folder, words).strip():
            facts[name] = mask(said)
    if "commit" not in facts:
        return facts, ""
    changed, diff = _changes(folder, save=source.save_code)
    if changed is not None:  # else nobody knows
        facts["dirty"] = bool(changed)
    if changed:
        facts["changes"] = changed
    return facts, diff


def _changes(folder: Path, *, save: bool) -> tuple[str | None, str]:
    """Count what is changed since the commit, and give it; None when git did not say."""
    with TemporaryDirectory(prefix="ergoscope-") as aside:
        index, order = Path(aside, "index"), Path(aside, "order")
        with contextlib.suppress(OSError):  # without one, as at first, everything is new
            shutil.copy2(folder / _ask(folder, ("rev-parse", "--git-path", "index")).strip(), index)
        order.write_text(_CODE_FIRST)
        diff = (*_without_filters(folder), *_NAMED_ONLY, "diff", "HEAD", *_DIFF, f"-O{order}")
        counted = _read(folder, (*diff, "--shortstat"), index=index)
        if counted is None:
            return None, ""
        changed = counted.decode(errors="replace").strip()
        return changed, _kept(_read(folder, diff, index=index) or b"") if changed and save else ""


def _repository(source: Source) -> Path | None:
    beside = Path(source.folder, source.script).parent if source.script.endswith(".py") else Path(source.folder)
    for folder in dict.fromkeys((beside, Path(source.folder))):
        top = _ask(folder, ("rev-parse", "--show-toplevel")).strip() if folder.is_dir() else ""
        if top:
            return Path(top)
    return None


def _without_filters(folder: Path) -> list[str]:
    """Give the options that turn off the user's filters, such as that of git-lfs, which a diff would run."""
    asked = _ask(folder, ("config", "--name-only", "--get-regexp", r"^filter\..*\.(clean|process|required)$"))
    names = {line.rpartition(".")[0] for line in asked.splitlines()}
    off = ("clean=", "process=", "required=false")
    return [word for name in sorted(names) for option in off for word in ("-c", f"{name}.{option}")]


def _kept(diff: bytes) -> str:
    """Mask the first DIFF_BYTES of a diff, in whole lines: half a secret would not be known as one."""
    if len(diff) <= DIFF_BYTES:
        return mask(diff.decode(errors="replace"))
    whole = mask(diff[:DIFF_BYTES].rpartition(b"\n")[0].decode(errors="replace"))
    return f"{whole}\n(cut here: only the first {DIFF_BYTES // 1024} KiB are kept)\n"


def _ask(folder: Path, words: Sequence[str], *, index: Path | None = None) -> str:
    return (_read(folder, words, index=index) or b"").decode(errors="replace")


def _read(folder: Path, words: Sequence[str], *, index: Path | None = None) -> bytes | None:
    """Run git, and give what it says up to DIFF_BYTES and one more; None when it fails or takes too long."""
    try:
        process = subprocess.Popen(
            [*_GIT, "-C", str(folder), *words],
            env=_environment(os.environ, index),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return None
    with process:
        timer = threading.Timer(PATIENCE_S, process.kill)
        timer.start()
        said = process.stdout.read(DIFF_BYTES + 1) if process.stdout else b""
        cut = len(said) > DIFF_BYTES
        if cut:
            process.kill()
        status = process.wait()
        timer.cancel()
    return said if cut or not status else None


def _environment(given: Mapping[str, str], index: Path | None) -> dict[str, str]:
    kept = {name: value for name, value in given.items() if not name.startswith(("GIT_", "ERGOSCOPE_"))}
    own = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    return {**kept, **own, **({"GIT_INDEX_FILE": str(index)} if index else {})}
