"""`ergoscope token`, as whoever runs the service types it."""

import argparse
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ergoscope_server.cli.token import Token
from ergoscope_server.people.tokens import draw, read_secret
from ergoscope_server.store.people import People
from ergoscope_server.store.store import Store

Run = Callable[..., int]
AGO = re.compile(r"\d+ s ago")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.delenv("ERGOSCOPE_DATABASE_URL", raising=False)

    def typed(*words: str) -> int:
        parser, command = argparse.ArgumentParser(), Token()
        command.arguments(parser)
        return command.run(parser.parse_args([*words, "--data-dir", str(tmp_path / "data")]))

    return typed


def test_a_token_is_shown_once_and_kept_as_a_digest(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("create", "--scope", "write", "--scope", "read", "--project", "digits", "--name", "ci") == 0
    made = capsys.readouterr()
    assert run("list") == 0
    listed = AGO.sub("now", capsys.readouterr().out)

    token = made.out.strip()
    secret = read_secret(token)
    assert secret is not None
    assert made.err.startswith(f"token {secret.id} to write read in project 'digits'. It is shown this once; give it ")
    assert listed == f"{secret.id}  write read  project 'digits'  made now, used never  ci\n"
    kept = [path.read_bytes() for path in (tmp_path / "data").iterdir()]
    assert kept
    assert not any(secret.word.encode() in data for data in kept)


def test_a_revoked_token_stays_on_the_list(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("create", "--scope", "admin")
    token_id = capsys.readouterr().out.split("_")[1]

    assert run("revoke", token_id) == 0
    assert run("list") == 0

    said = AGO.sub("now", capsys.readouterr().out).splitlines()
    assert said == [
        f"token {token_id} is revoked; what still sends it is refused from now on",
        f"{token_id}  admin  all projects  made now, revoked now",
    ]
    store = Store(f"sqlite:///{tmp_path / 'data' / 'ergoscope.db'}")
    assert not People(store.database).anybody()
    noted = [change.what for change in People(store.database).changes()]
    assert noted == [f"token {token_id} revoked", f"token {token_id} made, to admin in all projects"]
    store.close()


def test_a_token_may_expire_and_the_list_says_when(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("create", "--scope", "read", "--days", "90") == 0
    said = capsys.readouterr().err
    store = Store(f"sqlite:///{tmp_path / 'data' / 'ergoscope.db'}")
    people, old = People(store.database, clock=lambda: 1_790_000_000.0), draw()
    people.add_token(old.id, old.digest, name="", scopes="read", project=None, lasts_s=60.0)
    people.revoke_token(people.tokens()[-1].id)
    store.close()
    run("list")

    assert " to read in all projects for 90 days. It is shown this once; " in said
    lines = capsys.readouterr().out.splitlines()
    assert re.search(r"made \d+ d ago, used never, expired \d+ d ago$", lines[0])
    assert re.search(r"revoked \d+ d ago$", lines[1])


@pytest.mark.parametrize("days", ["0", "-1", "nan", "3651"])
def test_a_lifetime_that_cannot_be_is_refused(run: Run, capsys: pytest.CaptureFixture[str], days: str) -> None:
    assert run("create", "--scope", "read", "--days", days) == 1

    assert capsys.readouterr().err == f"ergoscope: --days is {days}; it must lie above 0 and be at most 3650\n"


def test_what_is_not_there_cannot_be_revoked(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("revoke", "abc") == 1

    complained = capsys.readouterr().err
    assert complained == "ergoscope: no token 'abc' is there to be revoked; `ergoscope token list` shows them\n"


def test_an_empty_list_says_how_to_make_one(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") == 0

    assert capsys.readouterr().out == "no tokens; make one: ergoscope token create --scope write\n"


def test_a_scope_must_be_named_and_be_one(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["create"], ["create", "--scope", "root"], []):
        with pytest.raises(SystemExit):
            run(*words)

    complained = capsys.readouterr().err
    assert "the following arguments are required: --scope" in complained
    assert "invalid choice: 'root' (choose from" in complained


def test_a_folder_that_cannot_be_made_is_one_clear_line(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").touch()

    assert run("list") == 1

    complained = capsys.readouterr().err
    assert complained.startswith(f"ergoscope: cannot make {tmp_path / 'data'}: ")
    assert complained.endswith("; choose another place with --data-dir\n")
