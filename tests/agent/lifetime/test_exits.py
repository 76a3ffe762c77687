"""However a job leaves, its run says so, and the process ends as it would have without us."""

import glob
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from ergoscope.lifetime.exits import ExitWatch, describe
from tests.agent.fake_server import FakeServer

Job = Callable[[str], "subprocess.Popen[str]"]
Until = Callable[..., None]
START = (
    "import multiprocessing, os, signal, sys, threading, time, ergoscope\nfrom sys import exit as early_exit\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background jobs ignore it
    "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"  # and so does what is started to outlive its terminal
)
MOURNING = (  # what is let go with the exception complains, also on standard error
    "class Leaf:\n def __del__(self): raise ValueError('lost')\n"
    "def end(status):\n leaf = Leaf()\n raise SystemExit(status)\n"
)


def spools(folder: Path) -> list[str]:
    return glob.glob(f"{folder}/spool/*/*")  # noqa: PTH207  # pathlib's fails when a folder goes while it looks


def test_the_reason_is_the_exceptions_first_line_and_the_hook_before_ours_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    reasons: list[str] = []
    monkeypatch.setattr(sys, "excepthook", lambda *given: seen.append(given))
    watch = ExitWatch(reasons.append)
    watch.install()
    error = ValueError("first\nsecond")

    sys.excepthook(ValueError, error, None)
    watch._on_exit()

    assert reasons == ["ValueError: first"]
    assert seen == [(ValueError, error, None)]
    watch.remove()


def test_removing_puts_the_earlier_hook_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def earlier(*given: object) -> None:
        """Stand in for a user's hook."""

    monkeypatch.setattr(sys, "excepthook", earlier)
    watch = ExitWatch(lambda reason: None)

    watch.install()
    watch.remove()

    assert sys.excepthook is earlier


def test_a_hook_placed_after_ours_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def later(*given: object) -> None:
        """Stand in for a user's hook."""

    monkeypatch.setattr(sys, "excepthook", lambda *given: None)
    watch = ExitWatch(lambda reason: None)
    watch.install()
    sys.excepthook = later

    watch.remove()

    assert sys.excepthook is later


def test_an_exception_that_cannot_be_printed_still_has_a_name() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert describe(MuteError()) == "MuteError"
    assert describe(KeyboardInterrupt()) == "KeyboardInterrupt"


@pytest.mark.parametrize(
    ("tail", "status", "how", "reason"),
    [
        ("sys.exit()", 0, "finished", ""),
        ("sys.exit(0)", 0, "finished", ""),
        ("sys.exit(3)", 3, "failed", "exit status 3"),
        ("sys.exit('no data')", 1, "failed", "exit: no data"),
        ("exit(2)", 2, "failed", "exit status 2"),
        ("with run: sys.exit(0)", 0, "finished", ""),
        ("with run: sys.exit(4)", 4, "failed", "exit status 4"),
        ("with run: raise SystemExit(5)", 5, "failed", "exit status 5"),
        ("raise SystemExit", 0, "finished", ""),
        ("raise SystemExit(0)", 0, "finished", ""),
        ("raise SystemExit(2)", 2, "failed", "exit status 2"),
        ("raise SystemExit('no data')", 1, "failed", "exit: no data"),
        ("def main(n): raise SystemExit(f'{n} files\\nno data')\nmain(3)", 1, "failed", "exit: 3 files"),
        ("raise SystemExit('no', 'data')", 1, "failed", "exit: ('no', 'data')"),
        ("raise SystemExit('')", 1, "failed", "exit status 1"),
        (f"{MOURNING}end('no data')", 1, "failed", "exit: no data"),
        (f"{MOURNING}end(1)", 1, "failed", "exit status 1"),
        ("import io; sys.stderr = io.StringIO(); raise SystemExit('no data')", 1, "failed", "exit status 1"),
        ("try: raise SystemExit('no data')\nexcept SystemExit: pass", 0, "finished", ""),
        ("def main(): raise SystemExit(5)\nmain()", 5, "failed", "exit status 5"),
        ("def main(): return 6\nraise SystemExit(main())", 6, "failed", "exit status 6"),
        ("class Stop(SystemExit): pass\nraise Stop(7)", 7, "failed", "exit status 7"),
        ("early_exit(8)", 8, "failed", "exit status 8"),
        ("try: raise SystemExit(2)\nexcept SystemExit: pass", 0, "finished", ""),
        ("try: 1 / 0\nexcept ZeroDivisionError: pass", 0, "finished", ""),
        ("if not os.fork(): raise SystemExit(3)\nos.wait()", 0, "finished", ""),
        ("t = threading.Thread(target=early_exit, args=(1,)); t.start(); t.join()", 0, "finished", ""),
        ("sys.excepthook = lambda *_: None\nraise ValueError('no luck')", 1, "failed", "ValueError: no luck"),
        ("try: 1 / 0\nexcept ZeroDivisionError: sys.exit(1)", 1, "failed", "exit status 1 after ZeroDivisionError: "),
        ("try: sys.exit(1)\nexcept SystemExit as error: assert error.code == 1", 0, "finished", ""),
        ("t = threading.Thread(target=lambda: sys.exit(1)); t.start(); t.join()", 0, "finished", ""),
        ("raise KeyboardInterrupt", -2, "failed", "KeyboardInterrupt"),
        ("os.kill(os.getpid(), signal.SIGINT); time.sleep(9)", -2, "failed", "KeyboardInterrupt"),
        ("os._exit(0)", 0, "crashed", "the process ended without a word"),
        ("os.kill(os.getpid(), signal.SIGKILL)", -9, "crashed", "the process ended without a word"),
        ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)", -15, "failed", "terminated by SIGTERM in <module> "),
        ("os.kill(os.getpid(), signal.SIGHUP); time.sleep(9)", -1, "failed", "terminated by SIGHUP in <module> "),
        ("child = os.fork()\nif not child: sys.exit(3)\nos.wait()", 0, "finished", ""),
        (
            "p = multiprocessing.get_context('fork').Process(target=sys.exit, args=(3,)); p.start(); p.join()\n"
            "assert p.exitcode == 3",
            0,
            "finished",
            "",
        ),
    ],
)
def test_the_end_of_a_process_is_told_as_it_was_and_stays_as_it_was(
    tail: str, status: int, how: str, reason: str, job: Job, server: FakeServer, surroundings: Path, until: Until
) -> None:
    process = job(f"{START}run = ergoscope.init(base_url={server.url!r})\nrun.log({{'x': 1.0}})\n{tail}")
    _, said = process.communicate(timeout=60)
    until(lambda: server.endings and not spools(surroundings), what="the end of the spool")

    ending = server.endings[-1]
    assert (process.returncode, ending.how) == (status, how), said
    assert ending.reason.startswith(reason)
    assert bool(ending.reason) == bool(reason)
    assert server.points("x") == [(0, 1.0)]


@pytest.mark.parametrize("status", [0, 2])
def test_while_the_status_is_not_known_nothing_is_said_of_it(
    status: int, job: Job, server: FakeServer, surroundings: Path, until: Until
) -> None:
    process = job(f"{START}run = ergoscope.init(silent=False, base_url={server.url!r})\nraise SystemExit({status})")
    _, said = process.communicate(timeout=60)
    until(lambda: server.endings and not spools(surroundings), what="the end of the spool")

    (line,) = (line for line in said.splitlines() if " ended" in line)
    assert f" ended: {server.url}/runs/" in line
    assert "finished" not in said


def test_a_child_that_is_terminated_says_nothing_of_the_job(
    job: Job, server: FakeServer, surroundings: Path, until: Until
) -> None:
    tail = (
        "child = os.fork()\nif not child: time.sleep(9)\ntime.sleep(0.2)\nos.kill(child, signal.SIGTERM)\n"
        "print(os.waitstatus_to_exitcode(os.wait()[1]))\nsys.stdout.flush()\nos._exit(0)"
    )
    process = job(f"{START}ergoscope.init(base_url={server.url!r})\n{tail}")
    out, _ = process.communicate(timeout=60)
    until(lambda: server.endings, what="the ending")

    assert out.strip() == "-15"
    assert [(e.how, e.reason) for e in server.endings] == [("crashed", "the process ended without a word")]


def test_the_users_own_handler_of_sigterm_runs_and_decides(job: Job, server: FakeServer, surroundings: Path) -> None:
    for order in ("signal.signal(signal.SIGTERM, leave)\n{init}", "{init}signal.signal(signal.SIGTERM, leave)\n"):
        init = f"run = ergoscope.init(base_url={server.url!r})\n"
        tail = "os.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(9)"
        process = job(f"{START}def leave(*_): print('saved'); sys.exit(0)\n{order.format(init=init)}{tail}")
        out, _ = process.communicate(timeout=60)

        assert (process.returncode, out.strip()) == (0, "saved")
    assert [(e.how, e.reason) for e in server.endings] == [("finished", "")] * 2


def test_two_runs_of_a_process_both_learn_of_its_end(
    job: Job, server: FakeServer, surroundings: Path, until: Until
) -> None:
    both = f"{START}for name in 'ab': ergoscope.init(name=name, base_url={server.url!r})\n"
    job(both + "sys.exit(7)").communicate(timeout=60)
    job(both + "os.kill(os.getpid(), signal.SIGTERM)").communicate(timeout=60)
    until(lambda: len(server.endings) == 4, what="the endings")

    reasons = [ending.reason for ending in server.endings]
    assert reasons[:2] == ["exit status 7"] * 2
    assert all(reason.startswith("terminated by SIGTERM") for reason in reasons[2:])


def test_a_signal_after_a_former_run_has_ended_is_told_of_the_one_that_is_open(
    job: Job, server: FakeServer, surroundings: Path, until: Until
) -> None:
    runs = f"ergoscope.init(base_url={server.url!r}).finish()\nergoscope.init(base_url={server.url!r})\n"
    job(f"{START}{runs}os.kill(os.getpid(), signal.SIGTERM)").communicate(timeout=60)
    until(lambda: len(server.endings) == 2, what="the endings")

    first, second = server.endings
    assert first.how == "finished"
    assert second.reason.startswith("terminated by SIGTERM")


def test_standard_error_is_pythons_own_again_when_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stderr.write
    watch = ExitWatch(lambda reason: None)

    watch.install()
    print("heard", file=sys.stderr)
    kept = sys.stderr.write
    watch.remove()
    kept("still\n")

    assert capsys.readouterr().err == "heard\nstill\n"
    assert kept != before == sys.stderr.write
    assert "write" not in vars(sys.stderr)


def test_a_stream_that_somebody_else_changed_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = sys.stderr.write
    monkeypatch.setattr(sys.stderr, "write", theirs)
    watch = ExitWatch(lambda reason: None)

    watch.install()

    assert sys.stderr.write is theirs
    watch.remove()


def test_sys_exit_is_pythons_own_again_when_nobody_watches() -> None:
    before = sys.exit
    first, second = ExitWatch(lambda reason: None), ExitWatch(lambda reason: None)
    first.install()
    second.install()

    with pytest.raises(SystemExit) as caught:
        sys.exit(3)
    first.remove()
    assert sys.exit is not before
    second.remove()

    assert caught.value.code == 3
    assert traceback.format_exception_only(caught.value) == ["SystemExit: 3\n"]
    assert type(pickle.loads(pickle.dumps(caught.value))) is SystemExit
    assert sys.exit is before
