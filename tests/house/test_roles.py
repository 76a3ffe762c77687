"""Each package imports what its role may need, and nothing that belongs to another role."""

import ast
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.house.tree import ROOT, House, Source

IMPORT_NAMES = {
    "argon2-cffi": "argon2",
    "prometheus-client": "prometheus_client",
    "nest-asyncio": "nest_asyncio",
    "psycopg": "psycopg",
    "scikit-learn": "sklearn",
}
# What comes with another need and is its own documented interface.
BROUGHT_ALONG = {"fastapi": {"starlette", "pydantic"}, "dash": {"flask", "werkzeug"}}
BASE = {"contract": {"msgspec", "zstandard"}, "page": {"dash", "plotly", "fastapi", "msgspec", "urllib3"}}


def _needs(extra: str | None) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = project["dependencies"] if extra is None else project["optional-dependencies"][extra]
    names = {re.split(r"[\[<>=~!;\s]", need, maxsplit=1)[0] for need in listed} - {"ergoscope"}
    found = {IMPORT_NAMES.get(name, name) for name in names}
    return found.union(*(BROUGHT_ALONG.get(name, set()) for name in found))


def _imported(source: Source) -> Iterator[tuple[str, int]]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0], node.lineno


def _strangers(house: House, folder: str, allowed: set[str], *, but: tuple[str, ...] = ()) -> list[str]:
    return [
        f"{source.name}:{line} imports {name}"
        for source in house.python(folder)
        if not source.name.startswith(but or ("-",))
        for name, line in _imported(source)
        if name not in allowed and name not in sys.stdlib_module_names
    ]


def test_the_contract_needs_only_msgspec_and_zstandard(house: House) -> None:
    assert not _strangers(house, "contract/", BASE["contract"] | {"ergoscope_contract"})


def test_the_agent_needs_what_every_role_needs_and_the_users_torch(house: House) -> None:
    allowed = _needs(None) | _needs("agent") | {"ergoscope", "ergoscope_contract"}

    assert not _strangers(house, "agent/", allowed, but=("agent/ergoscope/demo/", "agent/ergoscope/integrations/"))


def test_the_demo_needs_what_its_extra_lists(house: House) -> None:
    allowed = _needs(None) | _needs("demo") | {"ergoscope", "ergoscope_contract"}

    assert not _strangers(house, "agent/ergoscope/demo/", allowed)


def test_the_sidecar_needs_no_torch(house: House) -> None:
    assert not _strangers(house, "agent/ergoscope/sidecar/", _needs(None) | {"ergoscope", "ergoscope_contract"})


def test_the_service_needs_what_its_extra_lists(house: House) -> None:
    extras = (_needs(extra) for extra in (None, "oidc", "server", "parquet", "postgres", "redis"))
    allowed = set().union(*extras) | {"ergoscope_server", "ergoscope_contract"}

    assert not _strangers(house, "backend/", allowed)


def test_the_page_needs_no_database_and_no_torch(house: House) -> None:
    brought = set().union(*(BROUGHT_ALONG.get(name, set()) for name in BASE["page"]))
    allowed = BASE["page"] | brought | _needs(None) | {"ergoscope_ui", "ergoscope_contract"}

    assert not _strangers(house, "frontend/", allowed)


SERVER = ("fastapi", "uvicorn", "sqlalchemy", "alembic", "dash", "plotly", "scipy", "prometheus_client", "starlette")
# Found by every Python that inherits the path, so that processes which a command starts are without them too.
BLOCKER = """
import importlib.abc, sys

class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocker())
"""


class Python(Protocol):
    """Runs a program where some modules are not installed."""

    def __call__(self, *arguments: str, without: tuple[str, ...]) -> "subprocess.CompletedProcess[str]": ...


@pytest.fixture
def python(tmp_path: Path) -> Python:
    def run(*arguments: str, without: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
        (tmp_path / "sitecustomize.py").write_text(BLOCKER.format(blocked=set(without)))
        surroundings = {**os.environ, "PYTHONPATH": str(tmp_path), "HOME": str(tmp_path)}
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=surroundings,
            cwd=tmp_path,
            start_new_session=True,
        )
        try:
            out, err = process.communicate(timeout=60)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # with whatever it started
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    return run


def test_the_contract_is_usable_where_nothing_else_is(python: Python) -> None:
    code = "import ergoscope_contract; print(ergoscope_contract.CONTRACT_VERSION)"

    done = python("-c", code, without=("torch", "numpy", *SERVER))

    assert (done.stdout.strip(), done.stderr) == ("1", "")


def test_import_ergoscope_needs_neither_torch_nor_the_service(python: Python) -> None:
    code = "import ergoscope, sys; print('torch' in sys.modules, ergoscope.Api.__name__)"

    done = python("-c", code, without=("torch", "sklearn", *SERVER))

    assert (done.stdout.strip(), done.stderr) == ("False Api", "")


def test_watch_without_torch_says_what_to_do(python: Python) -> None:
    code = """
import ergoscope
try:
    ergoscope.watch(object(), object(), mode="offline")
except ergoscope.MissingTorchError as error:
    print(error)
"""

    done = python("-c", code, without=("torch", *SERVER))

    assert done.stderr == ""
    assert "torch" in done.stdout
    assert "install" in done.stdout


def test_a_command_whose_extra_is_absent_says_the_install_line(python: Python) -> None:
    done = python("-m", "ergoscope.cli", "up", "--port", "0", without=("torch", "sklearn", *SERVER))

    assert done.returncode != 0
    assert "pip install 'ergoscope[server]'" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_service_with_a_provider_does_not_start_without_its_extra_and_says_the_install_line(
    python: Python, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERGOSCOPE_OIDC_ISSUER", "https://login.example.org")
    monkeypatch.setenv("ERGOSCOPE_OIDC_CLIENT_ID", "us")
    monkeypatch.setenv("ERGOSCOPE_OIDC_CLIENT_SECRET", "a secret")

    done = python("-m", "ergoscope.cli", "up", "--port", "0", without=("authlib", "joserfc"))

    assert done.returncode == 1
    assert done.stderr.startswith("ergoscope: ERGOSCOPE_OIDC_ISSUER needs ")
    assert done.stderr.endswith("which is not installed; install it: pip install 'ergoscope[oidc]'\n")


def test_the_demo_without_its_extra_says_the_install_line(python: Python) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])

    done = python("-m", "ergoscope.cli", "demo", "--no-browser", "--port", port, without=("torch", "sklearn", *SERVER))

    assert done.returncode != 0
    assert "pip install 'ergoscope[" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_page_imports_without_database_and_torch(python: Python) -> None:
    absent = ("torch", "sqlalchemy", "alembic", "scipy", "sklearn", "ergoscope_server", "ergoscope")

    done = python("-c", "import ergoscope_ui.app", without=absent)

    assert (done.returncode, done.stderr) == (0, "")
