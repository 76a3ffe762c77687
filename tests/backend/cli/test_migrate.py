"""`ergoscope migrate` on SQLite; what a migration does to the tables is tested with the store."""

import argparse
import os
from pathlib import Path

import pytest

from ergoscope_server.cli.migrate import Migrate
from ergoscope_server.store.database import Database
from ergoscope_server.store.migrate import BARE, migrate


@pytest.fixture(autouse=True)
def url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    for name in [name for name in os.environ if name.startswith("ERGOSCOPE_")]:
        monkeypatch.delenv(name)
    named = f"sqlite:///{tmp_path / 'there.db'}"
    monkeypatch.setenv("ERGOSCOPE_DATABASE_URL", named)
    return named


def _run() -> int:
    parser = argparse.ArgumentParser()
    Migrate().arguments(parser)
    return Migrate().run(parser.parse_args([]))


def _newest(url: str) -> str:
    database = Database(url)
    newest = migrate(database)[1]
    database.close()
    return newest


def test_it_says_from_where_to_where(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    newest = _newest(f"sqlite:///{tmp_path / 'other.db'}")

    codes = [_run(), _run()]
    database = Database(url)
    assert migrate(database, to="0001") == (newest, "0001")
    database.close()
    codes.append(_run())

    assert codes == [0, 0, 0]
    assert capsys.readouterr().out.splitlines() == [
        f"{url}: from nothing to revision {newest}",
        f"{url}: was at revision {newest} already",
        f"{url}: from revision 0001 to revision {newest}",
    ]


def test_down_to_nothing_is_said_too(url: str) -> None:
    newest = _newest(url)
    database = Database(url)

    assert migrate(database, to=BARE) == (newest, BARE)
    database.close()


def test_a_database_that_does_not_answer_is_one_clear_line_without_its_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ERGOSCOPE_DATABASE_URL", "postgresql://someone:hidden@127.0.0.1:9/x")

    assert _run() == 1
    said = capsys.readouterr().err
    assert said.startswith("ergoscope: the database cannot be opened now: connection failed")
    assert "hidden" not in said
