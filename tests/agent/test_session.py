"""A run from its first line to its end, with a real sidecar and a server that does as it is told."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import ergoscope
from tests.agent.fake_server import Answer, FakeServer


@pytest.fixture(autouse=True)
def _surroundings(surroundings: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERGOSCOPE_BASE_URL", server.url)


def spools(folder: Path) -> list[Path]:
    return list(folder.glob("spool/*/*"))


def test_everything_logged_is_delivered_once_and_nothing_stays_on_disk(server: FakeServer, surroundings: Path) -> None:
    with ergoscope.init(project="p", name="n", config={"lr": 0.1}, tags=["a"]) as run:
        for step in range(500):
            run.log({"x": float(step), "val": {"acc": 0.5}}, step=step)

    assert server.points("x") == [(step, float(step)) for step in range(500)]
    assert len(server.points("val/acc")) == 500
    assert [ending.how for ending in server.endings] == ["finished"]
    assert server.endings[0].last_step == 499
    about = next(batch.about for batch in server.batches.values() if batch.about)
    assert (about.id, about.name, about.config, about.tags) == (run.id, "n", {"lr": 0.1}, ["a"])
    assert spools(surroundings) == []


def test_without_a_step_rows_are_numbered(server: FakeServer) -> None:
    run = ergoscope.init()
    run.log({"x": 1.0})
    run.log({"x": 2.0})
    run.log({"x": 3.0}, step=10)
    run.log({"x": 4.0})
    run.finish()

    assert server.points("x") == [(0, 1.0), (1, 2.0), (10, 3.0), (11, 4.0)]


def test_steps_may_repeat_and_go_back_and_values_need_not_be_finite(server: FakeServer) -> None:
    run = ergoscope.init()
    for step, value in ((5, 1.0), (5, float("nan")), (2, float("inf"))):
        run.log({"x": value}, step=step)
    run.finish()

    assert str(server.points("x")) == "[(5, 1.0), (5, nan), (2, inf)]"


def test_what_is_no_number_is_refused_alone_and_said_once(
    server: FakeServer, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERGOSCOPE_SILENT", "0")
    run = ergoscope.init()
    for step in range(3):
        run.log({"x": 1.0, "bad": None}, step=step)
    run.log("no dictionary")  # type: ignore[arg-type]  # the mistake that is meant
    run.log({"x": 5.0}, step="three")  # type: ignore[arg-type]  # the mistake that is meant
    run.finish()

    said = capfd.readouterr().err
    assert said.count("bad was not recorded: None is of type NoneType; allowed are numbers") == 1
    assert "a row could not be recorded: AttributeError" in said
    assert "step is 'three'; it must be an integer" in said
    assert [step for step, _ in server.points("x")] == [0, 1, 2, 3]
    assert [event.text for batch in server.batches.values() for event in batch.events if event.kind == "agent"]


def test_changes_of_the_configuration_are_sent(server: FakeServer) -> None:
    run = ergoscope.init(config={"a": 1})
    run.config["b"] = 2
    run.config.update({"c": 3})
    run.finish()

    abouts = [batch.about for batch in server.batches.values() if batch.about]
    assert abouts[-1].config == {"a": 1, "b": 2, "c": 3}


def test_an_alert_is_an_event_with_its_step(server: FakeServer) -> None:
    run = ergoscope.init()
    run.log({"x": 1.0}, step=7)
    run.alert("hot", "the room is at 40 °C", level="warn")
    run.finish()

    (event,) = [event for batch in server.batches.values() for event in batch.events]
    assert (event.kind, event.text, event.step, event.data) == (
        "alert",
        "hot: the room is at 40 °C",
        7,
        {"level": "warn"},
    )


def test_two_runs_in_one_process_stay_apart(server: FakeServer) -> None:
    first, second = ergoscope.init(name="one"), ergoscope.init(name="two")
    for step in range(50):
        first.log({"x": 1.0}, step=step)
        second.log({"x": 2.0}, step=step)
    ergoscope.log({"newest": 1.0})
    second.finish()
    ergoscope.log({"newest": 2.0})
    first.finish()
    ergoscope.finish()

    assert {value for _, value in server.points("x", run=first.id)} == {1.0}
    assert {value for _, value in server.points("x", run=second.id)} == {2.0}
    assert [value for _, value in server.points("newest", run=second.id)] == [1.0]
    assert [value for _, value in server.points("newest", run=first.id)] == [2.0]


def test_after_finish_and_when_disabled_everything_is_a_no_op(server: FakeServer, surroundings: Path) -> None:
    run = ergoscope.init()
    run.finish()
    run.log({"late": 1.0})
    run.finish()
    with ergoscope.init(mode="disabled") as off:
        off.log({"x": 1.0})
        off.alert("x")
        off.config["a"] = 1

    assert server.points("late") == []
    assert len({batch.run for batch in server.batches.values()}) == 1
    assert not surroundings.exists() or spools(surroundings) == []


def test_an_exception_that_leaves_the_context_ends_the_run_as_failed(server: FakeServer) -> None:
    with pytest.raises(ValueError, match="no luck"), ergoscope.init():
        raise ValueError("no luck")

    (ending,) = server.endings
    assert (ending.how, ending.reason) == ("failed", "ValueError: no luck")


def test_a_script_that_forgets_to_finish_is_finished_and_one_that_fails_has_failed(
    server: FakeServer, job: Callable[[str], "subprocess.Popen[str]"]
) -> None:
    for tail in ("", "\nraise KeyError('gone')"):
        job("import ergoscope\nergoscope.init().log({'x': 1.0})" + tail).communicate(timeout=60)

    assert [(ending.how, ending.reason) for ending in server.endings] == [
        ("finished", ""),
        ("failed", "KeyError: 'gone'"),
    ]


def test_a_forked_child_logs_and_finishes_nothing(server: FakeServer) -> None:
    run = ergoscope.init()
    run.log({"x": 1.0}, step=0)

    child = os.fork()
    if not child:
        run.log({"x": 2.0}, step=1)
        ergoscope.log({"x": 3.0}, step=2)
        run.finish()
        os._exit(0 if not run.open else 1)
    assert os.waitpid(child, 0)[1] == 0
    run.log({"x": 4.0}, step=3)
    run.finish()

    assert server.points("x") == [(0, 1.0), (3, 4.0)]


def test_the_addresses_are_said_at_the_start_and_at_the_end(
    server: FakeServer, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERGOSCOPE_SILENT", "0")

    run = ergoscope.init(name="calm-otter-41")
    started = capfd.readouterr()
    run.finish()

    assert started.err == f"ergoscope: run calm-otter-41: {server.url}/runs/{run.id}\n"
    assert capfd.readouterr().err == f"ergoscope: run calm-otter-41 finished: {run.url}\n"
    assert started.out == ""


def test_without_a_server_one_line_says_where_everything_is_kept(
    surroundings: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERGOSCOPE_SILENT", "0")

    run = ergoscope.init(base_url="http://127.0.0.1:9", give_up_s=0.0)
    run.log({"x": 1.0})
    began = time.monotonic()
    run.finish()

    said = capfd.readouterr().err
    assert time.monotonic() - began < 5
    assert f"no server answers at http://127.0.0.1:9: everything is kept in {run.folder}" in said
    assert said.count("ergoscope sync") == 2
    assert spools(surroundings) == [run.folder]


def test_a_server_that_does_not_let_the_job_in_is_told_once_with_what_to_do_and_everything_is_kept(
    server: FakeServer, surroundings: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERGOSCOPE_SILENT", "0")
    text = "the token is unknown here, or was revoked; send another"
    server.plan = lambda _: Answer(401, {"error": "Token", "detail": text})

    run = ergoscope.init(give_up_s=0.0)
    run.log({"x": 1.0})
    run.finish()

    said = capfd.readouterr().err
    assert said.count("401 Token") == 1
    assert f"{server.url} answers 401 Token: {text}. Nothing is lost: it is kept in {run.folder}, and sent on" in said
    assert f"ERGOSCOPE_API_KEY=TOKEN ergoscope sync {run.folder}" in said
    assert spools(surroundings) == [run.folder]


def test_that_its_run_was_deleted_is_told_once_and_nothing_is_left_on_the_disk(
    server: FakeServer,
    surroundings: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    until: Callable[..., None],
) -> None:
    monkeypatch.setenv("ERGOSCOPE_SILENT", "0")
    server.plan = lambda _: Answer(410, {"error": "Deleted", "detail": "run 'r' was deleted"})

    told = list[str]()

    def heard() -> bool:
        told.append(capfd.readouterr().err)
        return "deleted" in "".join(told)

    run = ergoscope.init()
    run.log({"x": 1.0})
    until(heard, what="the word of the server")
    run.finish()

    said = "".join(told) + capfd.readouterr().err
    assert said.count("this run was deleted at the server; nothing more of it is kept, and the training goes on") == 1
    assert spools(surroundings) == []


def test_the_key_goes_to_the_server_and_not_to_the_disk(server: FakeServer, surroundings: Path) -> None:
    run = ergoscope.init(api_key="s3cret", keep_spool=True)
    run.log({"x": 1.0})
    run.finish()

    assert set(server.authorizations) == {"Bearer s3cret"}
    kept = [path for path in surroundings.rglob("*") if path.is_file()]
    assert kept
    assert not any(b"s3cret" in path.read_bytes() for path in kept)


def test_secrets_in_the_configuration_stay_in_the_job(server: FakeServer, surroundings: Path) -> None:
    run = ergoscope.init(config={"lr": 0.1, "hub": {"token": "s3cret"}}, keep_spool=True)
    run.config["password"] = "s3cret"
    run.finish()

    abouts = [batch.about for batch in server.batches.values() if batch.about]
    assert abouts[-1].config == {"lr": 0.1, "hub": {"token": "(hidden)"}, "password": "(hidden)"}
    assert run.config["password"] == "s3cret"
    kept = [path for path in surroundings.rglob("*") if path.is_file()]
    assert not any(b"s3cret" in path.read_bytes() for path in kept)


def test_ctrl_c_while_the_run_ends_hurries_it(
    server: FakeServer, job: Callable[[str], "subprocess.Popen[str]"], until: Callable[..., None]
) -> None:
    server.plan = lambda n: Answer(status=503 if n > 1 else 200, body={"error": "Busy", "detail": ""})
    code = "import ergoscope, time\nergoscope.init(finish_wait_s=60.0).log({'x': 1.0})\ntime.sleep(1)\n"
    process = job(code + "print('end', flush=True)")
    assert process.stdout
    process.stdout.readline()
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)

    assert "Traceback" not in said
    assert process.returncode == 0
