"""Commands print JSON for scripts, tables for people, and one line when something is wrong."""

import argparse
import json
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import ergoscope
from ergoscope import cli
from ergoscope.cli.reading import age, print_table
from tests.agent.fake_server import FakeServer
from tests.agent.test_api import ALERT, RANK, RUN, SERIES, VERDICT


@pytest.fixture
def served(server: FakeServer, surroundings: Path, monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    server.pages = {
        "/api/v1/runs": {"runs": [RUN]},
        "/api/v1/runs/r1": RUN,
        "/api/v1/runs/r1/ranks": {"ranks": [RANK]},
        "/api/v1/runs/r1/series": SERIES,
        "/api/v1/runs/r1/verdict": VERDICT,
        "/api/v1/runs/r1/metrics": {"metrics": [{"key": "loss", "points": 3, "last_value": "NaN"}]},
        "/api/v1/alerts": {"alerts": [ALERT]},
    }
    monkeypatch.setenv("ERGOSCOPE_BASE_URL", server.url)
    return server


def said(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert cli.main(argv) == 0
    return capsys.readouterr().out


def test_json_is_what_the_server_says(served: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(said(capsys, "runs", "--json")) == [RUN]
    assert json.loads(said(capsys, "ranks", "n", "--json")) == [RANK]
    assert json.loads(said(capsys, "verdict", "n", "--json")) == VERDICT
    assert json.loads(said(capsys, "alerts", "--json")) == [ALERT]
    assert json.loads(said(capsys, "alerts", "n", "--state", "firing", "--json")) == [ALERT]
    assert served.asked[-1] == "/api/v1/alerts?run=r1&state=firing"


def test_series_are_a_list_with_what_is_not_finite_spelled(
    served: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    out = json.loads(said(capsys, "series", "r1", "loss", "absent", "--json"))

    assert out == [
        {"metric": "loss", "steps": [0, 1, 2], "values": [1, "NaN", "-Infinity"]},
        {"metric": "absent", "steps": [], "values": []},
    ]


def test_of_a_fork_its_own_part_is_asked_for(served: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "series", "r1", "loss", "--own", "--json")

    assert served.asked[-1] == "/api/v1/runs/r1/series?metrics=loss&own=true"


def test_series_without_a_metric_lists_those_there_are(served: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(said(capsys, "series", "r1", "--json")) == ["loss"]
    assert "loss" in said(capsys, "series", "r1")


def test_tables_are_for_people(served: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert "running" in said(capsys, "runs")
    assert said(capsys, "ranks", "n").split()[-9:-3] == ["1", "b", "silent", "1204", "41", "0"]
    assert "PLATEAU" in said(capsys, "verdict", "n")
    assert "nonfinite" in said(capsys, "alerts")
    assert "-Infinity" in said(capsys, "series", "n", "loss")


def test_a_table_for_a_program_is_not_cut_where_a_terminal_would_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")

    print_table(["name", "text"], [["n" * 60, "t " * 60]], empty="")

    assert [len(line.split()) for line in capsys.readouterr().out.splitlines()] == [2, 61]


@pytest.mark.parametrize(
    ("headline", "sentence", "lines"),
    [
        ("It falls.", "It falls. By 3 a step.", ["It falls. By 3 a step."]),
        ("It falls.", "By 3 a step.", ["It falls.", "By 3 a step."]),
        ("It falls.", "", ["It falls."]),
    ],
)
def test_a_verdict_says_its_headline_once(
    headline: str, sentence: str, lines: list[str], served: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    served.pages["/api/v1/runs/r1/verdict"] = {"run": "r1", "step": 9, "headline": headline, "sentence": sentence}

    assert said(capsys, "verdict", "n").splitlines()[1:] == lines


def test_ranks_that_were_never_seen_are_one_line(served: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    served.pages["/api/v1/runs/r1/ranks"] = {
        "ranks": [{"rank": 1, "attempt": 1, "status": "never seen", "last_seen": 0.0, "upto": 7}]
    }

    assert said(capsys, "ranks", "n").split()[-7:] == ["1-7", "never", "seen", "-", "-", "0", "-"]


def test_empty_answers_say_so(served: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    served.pages = {"/api/v1/runs": {"runs": []}, "/api/v1/alerts": {"alerts": []}}

    assert said(capsys, "runs") == f"no runs at {served.url}\n"
    assert said(capsys, "alerts") == "no alerts\n"


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["nonsense"], "there is no command 'nonsense'; there are: alerts, "),
        (["runs", "--server", "http://127.0.0.1:9"], "no server answers at http://127.0.0.1:9"),
        (["verdict", "other"], "no run has the id or name 'other'"),
        (["series", "n", "absent"], "run r1 has no metric 'absent'; `ergoscope series r1` lists its metrics"),
        (["sync", "absent"], "absent is no folder; give one that holds spools, or nothing for "),
    ],
)
def test_what_is_wrong_is_one_line_and_status_two(
    argv: list[str], text: str, served: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(argv) == 2

    err = capsys.readouterr().err
    assert err.startswith("ergoscope: " + text)
    assert err.count("\n") == 1


def test_help_lists_every_command_with_its_first_line(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, "--help")

    assert "  runs       List the runs that a server has, the newest first." in out
    assert {line.split()[0] for line in out.splitlines() if line.startswith("  ")} >= {
        "alerts",
        "ranks",
        "runs",
        "series",
        "slice",
        "status",
        "sync",
        "verdict",
    }


def test_a_command_whose_needs_are_not_installed_says_how_to_install_them() -> None:
    entry = EntryPoint(name="up", value="ergoscope_server.absent:Up", group=cli.GROUP)

    with pytest.raises(ergoscope.ErgoscopeError, match=r"`ergoscope up` needs .*pip install 'ergoscope\[server\]'"):
        cli.load(entry)


def test_the_overview_names_what_is_not_installed() -> None:
    entry = EntryPoint(name="up", value="ergoscope_server.absent:Up", group=cli.GROUP)

    assert "pip install 'ergoscope[server]'" in cli.overview({"up": entry})


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt, 130), (BrokenPipeError, 0)])
def test_an_interrupted_command_leaves_without_a_traceback(
    error: type[BaseException], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted:
        """Stop."""

        def arguments(self, parser: argparse.ArgumentParser) -> None:
            """Take none."""

        def run(self, args: argparse.Namespace) -> int:
            raise error

    monkeypatch.setattr(cli, "load", lambda entry: Interrupted())
    monkeypatch.setattr("sys.stdout", None)

    assert cli.main(["runs"]) == status


def test_status_and_sync_deal_with_what_is_owed(
    served: FakeServer, surroundings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(capsys, "status") == f"no spools in {surroundings}: everything was delivered\n"
    assert said(capsys, "sync") == f"nothing to deliver in {surroundings}\n"
    run = ergoscope.init(mode="offline", name="off")
    run.log({"x": 1.0})
    run.finish()

    (spool,) = json.loads(said(capsys, "status", "--json"))
    assert (spool["run"], spool["life"], spool["mode"]) == (run.id, "ended", "offline")
    assert spool["undelivered"] > 0
    assert "off" in said(capsys, "status")
    assert said(capsys, "sync").startswith(f"off ({run.id}): delivered ")
    assert served.points("x") == [(0, 1.0)]


def test_sync_fails_when_something_is_left(
    served: FakeServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ergoscope.cli.sync.PATIENCE_S", 0.0)
    run = ergoscope.init(mode="offline")
    run.finish()

    assert cli.main(["sync", "--server", "http://127.0.0.1:9"]) == 1

    assert "0 batches delivered, the rest not: http://127.0.0.1:9/api/v1/batches: " in capsys.readouterr().out


def test_ages_are_said_in_the_unit_that_fits() -> None:
    assert [age(0, now=now) for now in (3, 120, 7200, 172800)] == ["3 s ago", "2 min ago", "2 h ago", "2 d ago"]
    assert age(5, now=0) == "0 s ago"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"ranks": 8}, "running"),
        ({"ranks": 8, "ranks_silent": 2}, "running, 2 of 8 ranks silent"),
        ({"ranks": 8, "ranks_lagging": 2}, "running, 2 of 8 ranks lag"),
        ({"ranks": 8, "ranks_silent": 8, "status": "silent"}, "silent"),
    ],
)
def test_the_list_of_runs_says_how_many_ranks_are_silent(
    more: dict[str, object], words: str, served: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    served.pages["/api/v1/runs"] = {"runs": [{**RUN, **more}]}

    row = " ".join(said(capsys, "runs").split())

    assert f"r1 n p {words} 0 " in row
