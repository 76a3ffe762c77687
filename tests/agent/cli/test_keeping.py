"""Commands about what a server keeps: delete, archive, export, retention."""

import json
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import msgspec
import pytest

import ergoscope
from ergoscope import cli
from ergoscope.client import Client
from ergoscope_contract.answers import RunSummary
from tests.agent.fake_server import Answer, FakeServer
from tests.agent.test_api import RUN

SHARE = {"id": "s1", "run": "r1", "who": "ada", "created": 0.0, "expires": 4e9}
CSV = b"metric,attempt,rank,step,value\nloss,1,0,0,NaN\n"


@pytest.fixture
def served(server: FakeServer, surroundings: Path, monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    server.pages = {
        "/api/v1/runs": {"runs": [RUN]},
        "/api/v1/runs/r1": RUN,
        "/api/v1/runs/r1/export": Answer(body=CSV),
        "/api/v1/runs/r1/shares": {"shares": [SHARE]},
        "POST /api/v1/runs/r1/shares?days=7": {**SHARE, "path": "/shared/ergo_s1_secret"},
        "POST /api/v1/runs/r1/shares?days=0.5": {**SHARE, "path": "/shared/ergo_s1_secret"},
        "/api/v1/retention": {"retention": [{"project": "a/b", "days": 30.0, "ended": True}]},
    }
    monkeypatch.setenv("ERGOSCOPE_BASE_URL", server.url)
    return server


def said(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert cli.main(argv) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert cli.main(argv) == 2
    return capsys.readouterr().err


def test_a_run_is_deleted_by_name_when_it_is_meant(
    served: FakeServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    answers = iter(["", "n", "y"])
    asked: list[str] = []

    def ask(text: str) -> str:
        asked.append(text)
        return next(answers)

    monkeypatch.setattr("builtins.input", ask)

    codes = [cli.main(["delete", "n"]) for _ in range(3)]

    assert codes == [1, 1, 0]
    assert "Delete run r1 (n, project p) with everything that was kept of it? There is no way back. [y/N] " in asked
    assert served.deleted == ["/api/v1/runs/r1"]
    assert capsys.readouterr().out.splitlines() == [*2 * ["nothing is deleted"], "run r1 (n, project p) is deleted"]


def test_where_nobody_can_be_asked_yes_must_be_said(
    served: FakeServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)

    assert "nobody can be asked here whether the run is to be deleted; say so with --yes" in refused(
        capsys, "delete", "r1"
    )
    assert served.deleted == []
    assert said(capsys, "delete", "r1", "--yes") == "run r1 (n, project p) is deleted\n"


def test_a_run_is_set_aside_and_taken_back(served: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "archive", "n") == "run r1 (n) is set aside\n"
    assert said(capsys, "archive", "r1", "--restore") == "run r1 (n) is listed again\n"
    assert said(capsys, "runs", "--archived").count("r1") == 1
    assert json.loads(said(capsys, "runs", "--archived", "--json")) == [RUN]

    assert served.puts == [("/api/v1/runs/r1/archive", None)]
    assert served.deleted == ["/api/v1/runs/r1/archive"]
    assert served.asked[-2:] == 2 * ["/api/v1/runs?limit=10000&archived=true"]


def test_a_run_is_written_to_a_file_in_the_format_of_its_name(
    served: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = said(capsys, "export", "n", "loss", "grad/*", "--rank", "1", "--to", str(tmp_path / "run.json"))

    assert out == f"run r1 is in {tmp_path / 'run.json'} ({len(CSV)} bytes)\n"
    assert (tmp_path / "run.json").read_bytes() == CSV
    assert served.asked[-1] == "/api/v1/runs/r1/export?format=json&metrics=loss&metrics=grad%2F%2A&rank=1"
    said(capsys, "export", "r1", "--format", "parquet", "--to", str(tmp_path / "run.bin"))
    assert served.asked[-1] == "/api/v1/runs/r1/export?format=parquet"
    assert [path.name for path in sorted(tmp_path.iterdir()) if path.suffix == ".part"] == []


def test_without_a_file_it_is_printed_where_it_is_text(
    served: FakeServer, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert cli.main(["export", "r1"]) == 0
    assert capfdbinary.readouterr().out == CSV
    assert served.asked[-1] == "/api/v1/runs/r1/export?format=csv"

    assert cli.main(["export", "r1", "--format", "parquet"]) == 2
    assert b"Parquet is no text to print; say where to write it with --to FILE" in capfdbinary.readouterr().err


def test_what_the_server_says_of_an_export_is_said_and_no_file_is_left(
    served: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "Parquet needs pyarrow, which the service has not"
    served.pages["/api/v1/runs/r1/export"] = Answer(422, {"error": "Format", "detail": text})

    assert text in refused(capsys, "export", "r1", "--to", str(tmp_path / "run.parquet"))
    del served.pages["/api/v1/runs/r1/export"]
    assert "there is nothing at" in refused(capsys, "export", "r1", "--to", str(tmp_path / "run.csv"))
    assert "cannot be written: No such file or directory; give another place" in refused(
        capsys, "export", "r1", "--to", str(tmp_path / "absent" / "run.csv")
    )
    assert list(tmp_path.glob("run*")) == []


def test_an_export_in_a_format_that_there_is_not_is_refused(served: FakeServer, tmp_path: Path) -> None:
    with pytest.raises(ergoscope.SettingError, match="there is no format 'xml'; there are csv, json, parquet"):
        ergoscope.Api(served.url).run("r1").export(tmp_path / "run", kind="xml")


@contextmanager
def _breaking_off() -> Iterator[str]:
    """A server whose answer ends before it is whole."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nmetri\r\n")

        thread = Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.join()


def test_an_export_that_breaks_off_is_not_taken_for_a_whole_one(
    surroundings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with _breaking_off() as url:
        monkeypatch.setattr(Client, "find", lambda self, reference: type("Run", (), {"id": "r1"})())
        said = refused(capsys, "export", "r1", "--server", url, "--to", str(tmp_path / "run.csv"))

    assert f"the answer of {url} broke off (" in said
    assert "ask again" in said
    assert list(tmp_path.glob("run*")) == []


def test_a_link_is_made_and_told_with_how_it_is_taken_back(
    served: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    link = f"{served.url}/shared/ergo_s1_secret"

    assert said(capsys, "share", "n").splitlines() == [
        link,
        "opens run r1 (n) for 7 days to whoever has it; it is not shown again",
        "`ergoscope share r1 --revoke s1` takes it back",
    ]
    assert json.loads(said(capsys, "share", "r1", "--days", "0.5", "--json"))["url"] == link


def test_links_are_listed_and_taken_back(served: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "share", "--list", "n").splitlines()[1].split()[:2] == ["s1", "ada"]
    assert json.loads(said(capsys, "share", "n", "--list", "--json")) == [SHARE]
    assert said(capsys, "share", "n", "--revoke", "s1") == "link s1 to run r1 (n) opens nothing any more\n"
    assert json.loads(said(capsys, "share", "n", "--revoke", "s1", "--json")) == {"id": "s1", "run": "r1"}
    assert served.deleted == 2 * ["/api/v1/runs/r1/shares/s1"]
    served.pages["/api/v1/runs/r1/shares"] = {"shares": []}
    assert said(capsys, "share", "n", "--list") == "no link to run r1 (n) is open\n"


def test_the_same_is_done_from_a_script(served: FakeServer, tmp_path: Path) -> None:
    api = ergoscope.Api(served.url)
    (run,) = api.runs(archived=True)

    run.archive()
    run.unarchive()
    link = run.share(days=0.5)
    (open_one,) = run.shares()
    run.revoke_share(open_one.id)
    file = run.export(tmp_path / "run.json", metrics=["loss"], rank=1)
    run.delete()

    assert link == f"{served.url}/shared/ergo_s1_secret"
    assert served.puts == [("/api/v1/runs/r1/archive", None)]
    assert served.deleted == [f"/api/v1/runs/r1{rest}" for rest in ("/archive", "/shares/s1", "")]
    assert (file, file.read_bytes()) == (tmp_path / "run.json", CSV)
    assert served.asked[0] == "/api/v1/runs?limit=10000&archived=true"
    assert served.asked[-1] == "/api/v1/runs/r1/export?format=json&metrics=loss&rank=1"


def test_a_run_that_was_set_aside_is_found_by_its_name_where_no_listed_one_has_it(
    served: FakeServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    aside = msgspec.convert({**RUN, "archived": True}, RunSummary, strict=False)
    monkeypatch.setattr(Client, "runs", lambda self, *, archived=False: [aside] if archived else [])

    assert said(capsys, "archive", "n", "--restore") == "run r1 (n) is listed again\n"


def test_what_projects_keep_is_listed_and_set(served: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "retention").split()[-6:] == ["a/b", "30", "runs", "that", "are", "over"]
    assert said(capsys, "retention", "other") == "project other keeps every point\n"
    assert json.loads(said(capsys, "retention", "a/b", "--json")) == [{"project": "a/b", "days": 30.0, "ended": True}]

    said(capsys, "retention", "a/b", "--days", "30", "--ended")
    said(capsys, "retention", "a/b", "--everything")

    assert served.puts == [("/api/v1/retention?project=a%2Fb", {"days": 30.0, "ended": True})]
    assert served.deleted == ["/api/v1/retention?project=a%2Fb"]


def test_a_link_is_made_listed_or_taken_back_and_not_two_of_these(
    served: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "--list, --revoke and --days say different things; give one of them"

    assert text in refused(capsys, "share", "n", "--list", "--revoke", "s1")
    assert text in refused(capsys, "share", "n", "--days", "3", "--list")
    assert served.deleted == served.asked_for == []


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["--days", "3"], "nothing is set for all projects at once; name the project"),
        (["p", "--days", "3", "--everything"], "--days and --everything say different things; give one of them"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    argv: list[str], text: str, served: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert text in refused(capsys, "retention", *argv)
    assert served.puts == []
