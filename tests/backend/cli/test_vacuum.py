"""`ergoscope vacuum` on SQLite; what it does to the file is tested with the store."""

import argparse
import os
from pathlib import Path

import pytest

from ergoscope_server.cli.vacuum import Vacuum
from ergoscope_server.store.upkeep import Upkeep


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("ERGOSCOPE_")]:
        monkeypatch.delenv(name)


def _run(*options: str) -> int:
    parser = argparse.ArgumentParser()
    Vacuum().arguments(parser)
    return Vacuum().run(parser.parse_args(options))


def test_it_says_how_much_it_gave_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ERGOSCOPE_DATA_DIR", str(tmp_path))

    code = _run()

    assert code == 0
    size = (tmp_path / "ergoscope.db").stat().st_size
    assert capsys.readouterr().out == f"the database has {size:,} bytes; 0 were given back\n"


def test_the_folder_may_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "named").mkdir()

    assert _run("--data-dir", str(tmp_path / "named")) == 0

    assert (tmp_path / "named" / "ergoscope.db").exists()
    assert "were given back" in capsys.readouterr().out


def test_of_postgresql_it_says_that_nothing_is_to_be_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ERGOSCOPE_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(Upkeep, "vacuum", lambda self: None)

    assert _run() == 0

    assert capsys.readouterr().out.endswith("usable again by itself; nothing is to be done\n")


def test_what_cannot_be_opened_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ERGOSCOPE_DATABASE_URL", "mysql://host/x")

    assert _run() == 1

    assert "allowed: sqlite:///PATH or postgresql://HOST/NAME" in capsys.readouterr().err
