"""`ergoscope copy`, as a person starts it, and kills it."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from ergoscope_server.cli.copy import Copy
from ergoscope_server.store.store import Store
from tests.backend.store.batches import arrival, batch, line
from tests.backend.store.conftest import postgres_url
from tests.backend.store.filling import digests

__all__ = ["postgres_url"]  # a fixture

START = (
    "import argparse, sys; from ergoscope_server.cli.copy import Copy; p = argparse.ArgumentParser(); c = Copy(); "
    + ("c.arguments(p); sys.exit(c.run(p.parse_args()))")
)
RUNS = [f"run{i:02}" for i in range(12)]
ROWS = 60


@pytest.fixture(params=["sqlite", "postgres"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """Source and target: SQLite into PostgreSQL, and back."""
    here = f"sqlite:///{tmp_path / 'here.db'}"
    there = str(request.getfixturevalue("postgres_url"))
    with psycopg.connect(there, autocommit=True) as connection:
        connection.execute("drop schema public cascade")
        connection.execute("create schema public")
    return (here, there) if request.param == "sqlite" else (there, here)


def _filled(url: str) -> Store:
    store = Store(url, clock=lambda: 1.79e9)
    for run in RUNS:
        store.accept([arrival(batch(seq, {"x": line(500 * seq, 500)}, run=run)) for seq in range(ROWS)])
        store.fold(run)
    return store


def _command(urls: tuple[str, str]) -> list[str]:
    return [sys.executable, "-c", START, "--from", urls[0], "--to", urls[1]]


@pytest.mark.postgres
def test_killed_in_the_middle_it_goes_on_and_nothing_is_there_twice(urls: tuple[str, str]) -> None:
    source = _filled(urls[0])
    clean = {key: value for key, value in os.environ.items() if not key.startswith("ERGOSCOPE_")}
    first = subprocess.Popen(_command(urls), stderr=subprocess.PIPE, text=True, env=clean)
    assert first.stderr is not None
    said = [first.stderr.readline() for _ in range(4)]
    first.kill()
    first.communicate()
    target = Store(urls[1], clock=lambda: 1.79e9)
    sent, found = digests(source.database, *RUNS), digests(target.database, *RUNS)
    arrived = [run for run in RUNS if ("run", run) in found]

    second = subprocess.run(_command(urls), capture_output=True, text=True, env=clean, check=False)

    assert said[3].startswith("[4/12] run03: ")
    assert set(RUNS[:4]) <= set(arrived) < set(RUNS), "it was killed in the middle"
    assert found == {key: value for key, value in sent.items() if key[1] in arrived}, "a run is there whole or not"
    assert (second.returncode, second.stdout.splitlines()[0].partition(" (")[0]) == (
        0,
        f"{len(RUNS) - len(arrived)} runs copied and checked",
    )
    assert second.stderr.count("the same already") == len(arrived) + 1
    assert digests(target.database, *RUNS) == sent
    for run in RUNS:
        assert target.tail(run, "x", 100_000)[0].tolist() == list(range(500 * ROWS))
    source.close()
    target.close()


def _run(source: str, target: str) -> int:
    parser = argparse.ArgumentParser()
    Copy().arguments(parser)
    return Copy().run(parser.parse_args(["--from", source, "--to", target]))


def test_what_cannot_be_copied_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = _run(f"sqlite:///{tmp_path / 'no.db'}", f"sqlite:///{tmp_path / 'to.db'}")

    assert code == 1
    assert capsys.readouterr().err == (
        f"ergoscope: there is no database at {str(tmp_path / 'no.db')!r}; name the one to copy with --from\n"
    )


def test_a_target_that_is_ahead_is_told_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    urls = [f"sqlite:///{tmp_path / name}.db" for name in ("from", "to")]
    source, target = [Store(url) for url in urls]
    source.accept([arrival(batch(0, {"x": line(0, 1)}))])
    target.accept([arrival(batch(1, {"x": line(1, 1)}))])

    code = _run(*urls)

    assert code == 1
    assert capsys.readouterr().out.splitlines()[1] == (
        "left as they are in the target: r (the target has batches of attempt 1790000000000, rank 0, that the source "
        "has not)"
    )
    source.close()
    target.close()


def test_a_database_that_does_not_answer_is_told_without_its_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = f"sqlite:///{tmp_path / 'from.db'}"
    Store(source).close()

    code = _run(source, "postgresql://someone:hidden@127.0.0.1:9/x")

    said = capsys.readouterr().err
    assert code == 1
    assert said.startswith("ergoscope: the databases cannot be opened: ")
    assert "hidden" not in said
