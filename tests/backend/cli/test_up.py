"""`ergoscope up`, as a person starts it."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from ergoscope_contract.codec import encode
from ergoscope_server.cli.up import serve
from ergoscope_server.serving import listen
from ergoscope_server.settings import Settings
from ergoscope_server.store.errors import StoreError
from tests.backend.store.batches import batch, line

START = "import argparse, sys; from ergoscope_server.cli.up import Up; p = argparse.ArgumentParser(); u = Up(); " + (
    "u.arguments(p); sys.exit(u.run(p.parse_args()))"
)


def _up(*options: str, **environment: str) -> subprocess.Popen[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("ERGOSCOPE_")}
    return subprocess.Popen(
        [sys.executable, "-c", START, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean | environment,
    )


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said = process.stdout.readline()
    assert said.startswith("ergoscope is at http://"), said + (process.stderr.read() if process.stderr else "")
    return said.removeprefix("ergoscope is at ").strip()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_once_it_is_ready_and_stops_soon_and_quietly(tmp_path: Path, how: signal.Signals) -> None:
    process = _up("--port", "0", "--data-dir", str(tmp_path), "--no-page")
    url = _address(process)
    assert urllib.request.urlopen(f"{url}/readyz", timeout=5).status == 200
    stream = urllib.request.urlopen(f"{url}/api/v1/live", timeout=5)
    assert stream.readline().startswith(b"retry:")

    began = time.monotonic()
    process.send_signal(how)
    said, complained = process.communicate(timeout=10)

    assert (process.returncode, said, complained) == (0, "", "")
    assert time.monotonic() - began < 4
    stream.close()


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    process = _up("--port", "0", "--data-dir", str(tmp_path), "--no-page")
    url = _address(process)
    for seq in range(20):
        body = encode(batch(seq, {"x": line(seq, 1)}))
        urllib.request.urlopen(urllib.request.Request(f"{url}/api/v1/batches", data=body), timeout=5)
    process.kill()
    process.communicate()

    again = _up("--port", "0", "--data-dir", str(tmp_path), "--no-page")
    answer = urllib.request.urlopen(f"{_address(again)}/api/v1/runs/r/series?metrics=x", timeout=5).read()
    again.terminate()
    again.communicate(timeout=10)

    assert f'"steps":{list(range(20))}'.replace(" ", "") in answer.decode()


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        process = _up("--port", str(port), "--data-dir", str(tmp_path), "--no-page")
        said, complained = process.communicate(timeout=20)

    assert (process.returncode, said) == (1, "")
    assert complained == (
        f"ergoscope: port {port} of 127.0.0.1 is in use, perhaps by another ergoscope; choose another with --port\n"
    )


def test_a_directory_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    process = _up("--port", "0", "--data-dir", str(tmp_path / "file" / "data"), "--no-page")
    _, complained = process.communicate(timeout=20)

    assert process.returncode == 1
    assert complained.startswith(f"ergoscope: cannot write to {tmp_path / 'file' / 'data'}: ")
    assert complained.endswith("choose another place with --data-dir\n")


def test_a_database_that_does_not_answer_is_one_clear_line() -> None:
    process = _up("--port", "0", "--no-page", ERGOSCOPE_DATABASE_URL="postgresql://postgres@127.0.0.1:9/x")
    _, complained = process.communicate(timeout=20)

    assert process.returncode == 1
    assert complained.startswith("ergoscope: the database cannot be opened now: connection failed")
    assert "Traceback" not in complained


def test_listening_for_others_without_a_token_is_one_clear_line(tmp_path: Path) -> None:
    process = _up("--port", "0", "--host", "0.0.0.0", "--data-dir", str(tmp_path), "--no-page")
    said, complained = process.communicate(timeout=20)

    assert (process.returncode, said) == (1, "")
    assert complained.startswith("ergoscope: others can reach 0.0.0.0, and the database holds no token and no account")
    assert complained.count("\n") == 1


def test_letting_everybody_in_is_warned_of(tmp_path: Path) -> None:
    process = _up("--port", "0", "--host", "0.0.0.0", "--data-dir", str(tmp_path), "--no-page", ERGOSCOPE_ACCESS="open")
    assert process.stdout is not None
    said = [process.stdout.readline(), process.stdout.readline()]
    process.terminate()
    process.communicate(timeout=10)

    assert said[0].startswith("ergoscope is at http://")
    assert "0.0.0.0" not in said[0]
    assert said[1].startswith("warning: whoever can reach 0.0.0.0:")


def test_serving_directly_needs_a_place_to_write(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match=r"cannot write to .*; choose another place with --data-dir"):
        serve(Settings(port=0, data_dir=tmp_path / "file"))
