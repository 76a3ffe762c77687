"""`ergoscope doctor` says what a job would meet here, and what to do about it."""

import json
import shutil
import time
from importlib.metadata import EntryPoint, PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest

from ergoscope import cli
from ergoscope.cli import examining
from ergoscope.cli.examining import Finding, examine_machine, examine_server
from ergoscope.settings import Settings
from tests.agent.fake_server import Answer, FakeServer


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is known, also where the installed package is older than the tree."""
    entry = EntryPoint("doctor", "ergoscope.cli.doctor:Doctor", cli.GROUP)
    monkeypatch.setattr("ergoscope.cli.entry_points", lambda group: [entry])


@pytest.fixture
def served(server: FakeServer, surroundings: Path, monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    server.pages = {
        "/healthz": {"status": "ok"},
        "/readyz": {"status": "ready", "reasons": []},
        "/api/v1/runs": {"runs": []},
    }
    monkeypatch.setenv("ERGOSCOPE_BASE_URL", server.url)
    return server


def of_server(server: FakeServer, **more: str) -> dict[str, Finding]:
    settings = Settings.read({}, base_url=server.url, **more)
    return {finding.name: finding for finding in examine_server(settings)}


def of_machine(**more: object) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine_machine(Settings.read({}, **more))}


def test_where_all_is_well_it_says_so_and_succeeds(served: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["doctor", "--json"])

    found = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert set(found) == {"ergoscope", "torch", "spool", "ring", "server", "ready", "clock", "token"}
    assert code == 0
    assert {found[name]["state"] for name in ("ergoscope", "server", "ready", "clock", "token")} == {"ok"}
    assert found["token"]["said"] == "none is needed"


def test_a_server_that_is_not_there_fails_with_what_to_do(
    surroundings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(["doctor", "--base-url", "http://127.0.0.1:9"])

    lines = capsys.readouterr().out.splitlines()
    assert code == 1
    at = next(i for i, line in enumerate(lines) if line.startswith("fail  server "))
    assert "http://127.0.0.1:9 does not answer: " in lines[at]
    assert lines[at + 1].strip() == "start one: ergoscope up, or set ERGOSCOPE_BASE_URL"


def test_settings_that_cannot_be_read_are_one_failure(
    surroundings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ERGOSCOPE_BUDGET", "lots")

    assert cli.main(["doctor"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "fail  settings  ERGOSCOPE_BUDGET is 'lots'; it must be a number",
        "                mend the variable, or unset it",
    ]


def test_another_program_on_the_port_is_no_server(served: FakeServer) -> None:
    served.pages = {}

    found = of_server(served)

    assert list(found) == ["server"]
    assert found["server"].said == f"{served.url} answers 404 where a server says that it lives"


@pytest.mark.parametrize(
    ("page", "state", "said"),
    [
        ({"status": "degraded", "reasons": ["no Redis"]}, "warn", "it is degraded: no Redis"),
        (Answer(503, {"status": "not ready", "reasons": ["a", "b"]}), "fail", "it is not ready: a; b"),
        (Answer(502, b"<html>"), "warn", "the server does not say whether it is ready"),
    ],
)
def test_a_server_that_is_not_well_says_why(served: FakeServer, page: object, state: str, said: str) -> None:
    served.pages["/readyz"] = page

    found = of_server(served)["ready"]

    assert (found.state, found.said) == (state, said)


@pytest.mark.parametrize(("ahead", "said"), [(60.0, "60 s ahead of the server's"), (-60.0, "60 s behind the server's")])
def test_clocks_that_differ_are_told(
    served: FakeServer, monkeypatch: pytest.MonkeyPatch, ahead: float, said: str
) -> None:
    monkeypatch.setattr(examining, "time", SimpleNamespace(time=lambda: time.time() + ahead))

    found = of_server(served)["clock"]

    assert found.state == "warn"
    assert abs(int(found.said.split()[0]) - 60) <= 2
    assert found.said.split(maxsplit=2)[2] == said.split(maxsplit=2)[2]


@pytest.mark.parametrize(
    ("status", "key", "state", "said"),
    [
        (200, "k", "ok", "accepted"),
        (401, "k", "fail", "the token is not accepted"),
        (401, "", "fail", "the server asks for a token"),
        (403, "k", "ok", "accepted; it does not let one read"),
        (500, "k", "warn", "asked for runs, the server answers 500"),
    ],
)
def test_whether_the_token_is_taken(served: FakeServer, status: int, key: str, state: str, said: str) -> None:
    served.pages["/api/v1/runs"] = Answer(status, {})

    found = of_server(served, **({"api_key": key} if key else {}))["token"]

    assert (found.state, found.said) == (state, said)


@pytest.mark.parametrize(
    ("seen", "state"), [("2.13.0+cpu", "ok"), ("2.4.1", "ok"), ("2.3.1", "fail"), ("main", "warn"), (None, "warn")]
)
def test_torch_is_looked_at_without_being_imported(
    monkeypatch: pytest.MonkeyPatch, surroundings: Path, seen: str | None, state: str
) -> None:
    def version(name: str) -> str:
        if seen is None and name == "torch":
            raise PackageNotFoundError
        return seen or "1"

    monkeypatch.setattr(examining, "version", version)

    assert of_machine()["torch"].state == state


def test_a_folder_that_cannot_be_written_fails(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    found = of_machine(dir=str(file / "below"))["spool"]

    assert (found.state, found.todo) == ("fail", "set ERGOSCOPE_DIR to a place that can be")
    assert found.said.startswith(f"{file} cannot be written: ")


class _Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.mark.parametrize(
    ("free_mib", "states"), [(9_000, "ok ok"), (900, "warn ok"), (200, "warn warn"), (9, "fail warn")]
)
def test_room_on_disk_and_in_shared_memory_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_mib: int, states: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(0, 0, free_mib << 20))
    monkeypatch.setattr(examining, "SHARED_MEMORY", tmp_path)

    found = of_machine(dir=str(tmp_path), ring_mib=32)

    assert f"{found['spool'].state} {found['ring'].state}" == states
    assert f"{free_mib:,} MiB" in found["spool"].said


def test_without_shared_memory_the_ring_is_slower(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examining, "SHARED_MEMORY", tmp_path / "no")

    found = of_machine(dir=str(tmp_path))["ring"]

    assert (found.state, found.todo) == ("warn", "the ring lies on disk then, which is slower")


def test_the_service_where_it_is_not_installed_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Absent:
        def load(self) -> None:
            raise ModuleNotFoundError("no", name="fastapi")

    for entries, text in (
        ([Absent()], "`ergoscope doctor --server` needs fastapi, which is not installed; install it: pip install "),
        ([], "the service is not installed; install it: pip install "),
    ):
        monkeypatch.setattr("ergoscope.cli.doctor.entry_points", lambda group, found=entries: found)

        assert cli.main(["doctor", "--server"]) == 2
        assert capsys.readouterr().err == f"ergoscope: {text}'ergoscope[server]'\n"
