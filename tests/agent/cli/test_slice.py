"""`ergoscope slice` asks, waits where told to, and prints what was measured."""

import json
from pathlib import Path

import pytest

from ergoscope import cli
from tests.agent.fake_server import Answer, FakeServer
from tests.agent.test_api import LANDSCAPE, RUN, SLICE

ASKED = {"id": "s1", "axes": "hessian", "dimensions": 1, "points": 21, "extent": None, "share": None}
OPEN = {"id": "s1", "state": "open", "asked": 1.0, "request": ASKED}
PAGE = "/api/v1/runs/r1/slices"


@pytest.fixture
def served(server: FakeServer, surroundings: Path, monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    server.pages = {"/api/v1/runs/r1": RUN, f"POST {PAGE}": ASKED, PAGE: {"slices": [OPEN]}}
    monkeypatch.setenv("ERGOSCOPE_BASE_URL", server.url)
    return server


def _listed(told: dict[str, object]) -> dict[str, object]:
    return {"slices": [told]}


def _plane(points: int) -> dict[str, object]:
    offsets = [[float(i - points // 2) for i in range(points)]] * 2
    values = [float(100 * i + j) for i in range(points) for j in range(points)]
    return LANDSCAPE | {"axes": ["u", "v"], "scales": [1.0, 0.5], "offsets": offsets, "values": values}


def test_options_are_what_is_asked_for(served: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    argv = "slice r1 --axes update --2d --points 11 --extent 0.5 --share 0.05"

    assert cli.main(argv.split()) == 0

    assert served.asked_for == [{"axes": "update", "dimensions": 2, "points": 11, "extent": 0.5, "share": 0.05}]
    said = capsys.readouterr().out
    assert said.startswith("slice s1 was asked for")
    assert "`ergoscope slice r1 --last` shows what has come of it, with --wait once it is there" in said
    assert "only rank 0 answers; where it is not watched, `ergoscope slice r1 --withdraw` takes it back" in said


def test_waiting_ends_with_a_table_of_the_line(
    served: FakeServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        served.pages[PAGE] = {"slices": [{**OPEN, "state": "measuring"} if len(waits) < 2 else SLICE]}

    monkeypatch.setattr("ergoscope.cli.slice.time.sleep", sleep)

    assert cli.main(["slice", "r1", "--wait"]) == 0

    out = capsys.readouterr().out.splitlines()
    assert waits == [1.0, 1.0]
    assert out[0] == "step 1204, along steepest direction: 8.4 % off the parabola; batch statistics; exact"
    assert out[1].split() == ["weight", "norm", "in", "updates", "loss", "running", "statistics", "parabola"]
    assert [line.split() for line in out[2:]] == [
        ["-0.5", "-5", "3", "2", "2"],
        ["0", "0", "1", "1", "1"],
        ["0.5", "5", "inf", "2", "2"],
    ]


def test_on_a_terminal_one_line_says_how_far_it_is_and_is_gone_at_the_end(
    served: FakeServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = {**OPEN, "state": "measuring", "landscape": LANDSCAPE | {"values": [3, 1, "NaN"]}}
    coming: list[dict[str, object]] = [begun, SLICE]
    monkeypatch.setattr("ergoscope.cli.slice.time.sleep", lambda _: served.pages.update({PAGE: _listed(coming.pop(0))}))
    monkeypatch.setattr("ergoscope.cli.slice.sys.stderr.isatty", lambda: True)

    cli.main(["slice", "r1", "--wait"])

    said = capsys.readouterr().err.split("\r\x1b[K")
    nothing = "slice s1: no point is measured yet: the job looks for its directions first"
    assert said == ["", nothing, "slice s1: 2 of 3 points measured", ""]


def test_the_newest_is_printed_without_asking(served: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    served.pages[PAGE] = {"slices": [SLICE, OPEN]}

    assert cli.main(["slice", "r1", "--last", "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert served.asked_for == []
    assert told["landscape"]["values"] == [3, 1, "Infinity"]


def test_rows_of_a_plane_are_thinned_around_its_centre(served: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    served.pages[PAGE] = {"slices": [SLICE | {"landscape": _plane(21)}]}

    cli.main(["slice", "r1", "--last"])

    out = capsys.readouterr().out.splitlines()
    rows = [line.split() for line in out[2:]]
    assert out[1] == "down: u; across: v; distances in weight norm"
    assert rows[0] == ["-4.5", "-3", "-1.5", "0", "1.5", "3", "4.5"]
    assert [row[0] for row in rows[1:]] == ["-9", "-6", "-3", "0", "3", "6", "9"]
    assert rows[4][4] == "1.01e+03"
    assert max(map(len, out)) <= 80


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"state": "measuring", "landscape": LANDSCAPE | {"values": [3, 1, "NaN"]}}, "2 of 3 points measured"),
        ({"landscape": LANDSCAPE | {"misfit": None}}, "steepest direction: flat;"),
        ({"landscape": LANDSCAPE | {"misfit": None, "predicted": []}}, "no prediction to compare it with"),
    ],
)
def test_what_there_is_instead_of_a_misfit_is_said(
    fields: dict[str, object], said: str, served: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    served.pages[PAGE] = {"slices": [SLICE | fields]}

    cli.main(["slice", "r1", "--last"])

    assert said in capsys.readouterr().out


def test_a_refusal_is_said_with_its_reason_and_status_one(
    served: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    served.pages[PAGE] = {"slices": [{**OPEN, "state": "refused", "reason": "the model draws random numbers"}]}

    assert cli.main(["slice", "r1", "--last"]) == 1

    assert capsys.readouterr().out == "slice s1 was not measured: the model draws random numbers\n"


def test_of_one_that_was_cut_short_what_there_is_is_printed(
    served: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = {"state": "refused", "reason": "the run ended before it was measured"}
    served.pages[PAGE] = {"slices": [SLICE | cut | {"landscape": LANDSCAPE | {"values": [3, 1, "NaN"]}}]}

    assert cli.main(["slice", "r1", "--last"]) == 1

    out = capsys.readouterr().out.splitlines()
    assert out[0] == "slice s1 was not measured to its end: the run ended before it was measured"
    assert "2 of 3 points measured" in out[1]
    assert [len(line.split()) for line in out[3:]] == [5, 5, 4]


def test_when_nobody_has_asked_the_command_that_does_is_named(
    served: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    served.pages[PAGE] = {"slices": []}

    assert cli.main(["slice", "r1", "--last"]) == 0
    assert capsys.readouterr().out == "nobody has asked for a slice of run r1; `ergoscope slice r1` does\n"
    assert cli.main(["slice", "r1", "--last", "--json"]) == 0
    assert capsys.readouterr().out == "null\n"


def test_what_the_server_refuses_is_one_line_and_status_two(
    served: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    served.pages[f"POST {PAGE}"] = Answer(
        422, {"error": "Ended", "detail": "the run has ended; nothing can measure it"}
    )

    assert cli.main(["slice", "r1"]) == 2

    err = capsys.readouterr().err
    assert err == "ergoscope: the run has ended; nothing can measure it\n"


def test_what_is_waited_for_is_withdrawn(served: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["slice", "r1", "--withdraw"]) == 0

    assert (served.asked_for, served.deleted) == ([], [f"{PAGE}/s1"])
    assert capsys.readouterr().out == "slice s1 is withdrawn; another can be asked for\n"


def test_when_nothing_is_waited_for_nothing_is_withdrawn(
    served: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    served.pages[PAGE] = {"slices": [SLICE]}

    assert cli.main(["slice", "r1", "--withdraw"]) == 1

    assert served.deleted == []
    assert capsys.readouterr().out == "no slice of run r1 is waited for\n"


def test_one_that_was_answered_meanwhile_is_said_in_one_line(
    served: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "slice 's1' is answered already; there is nothing to withdraw"
    served.pages[f"DELETE {PAGE}/s1"] = Answer(409, {"error": "Answered", "detail": text})

    assert cli.main(["slice", "r1", "--withdraw"]) == 2

    assert capsys.readouterr().err == f"ergoscope: {text}\n"
