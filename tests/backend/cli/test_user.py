"""`ergoscope user`, as whoever runs the service types it."""

import argparse
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ergoscope_server.cli.user import User
from ergoscope_server.people.passwords import is_right
from ergoscope_server.store.people import People
from ergoscope_server.store.store import Store

Run = Callable[..., int]
PASSWORD = "correct horse"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.delenv("ERGOSCOPE_DATABASE_URL", raising=False)

    def typed(*words: str, password: str = PASSWORD) -> int:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
        parser, command = argparse.ArgumentParser(), User()
        command.arguments(parser)
        return command.run(parser.parse_args([*words, "--data-dir", str(tmp_path)]))

    return typed


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    store = Store(f"sqlite:///{tmp_path / 'ergoscope.db'}")
    yield People(store.database)
    store.close()


def test_an_account_is_made_with_a_role_and_a_password(
    run: Run, people: People, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("create", "ada", "--role", "member", "--project", "digits", "--stdin") == 0
    assert run("create", "root", "--admin", "--stdin") == 0
    assert run("create", "new", "--stdin") == 0
    said = capsys.readouterr().out.splitlines()
    assert run("list") == 0

    assert said == [
        "ada is member in project 'digits'",
        "root may do everything",
        "new may do nothing yet; give them a role: ergoscope user role new member",
    ]
    listed = [line.rpartition("  made ")[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == ["ada  member in project 'digits'", "new  nothing", "root  everything"]
    ada = people.account("ada")
    assert ada is not None
    assert is_right(PASSWORD, ada.password)


def test_a_password_is_asked_for_twice(run: Run, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([PASSWORD, PASSWORD, PASSWORD, "another horse"])
    monkeypatch.setattr("getpass.getpass", lambda _: next(answers))

    assert run("create", "ada") == 0
    assert run("create", "bob") == 1

    assert [person.name for person in people.accounts()] == ["ada"]


def test_two_that_are_not_alike_change_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter([PASSWORD, "another horse"])
    monkeypatch.setattr("getpass.getpass", lambda _: next(answers))

    assert run("create", "ada") == 1

    assert capsys.readouterr().err == "ergoscope: the two are not alike; nothing was changed\n"


def test_what_somebody_may_do_is_changed_and_taken_away(
    run: Run, people: People, capsys: pytest.CaptureFixture[str]
) -> None:
    people.add_account("ada", "h", admin=False)

    assert run("role", "ada", "viewer") == 0
    assert run("role", "ada", "admin", "--project", "p") == 0
    ada = people.account("ada")
    assert ada is not None
    assert ada.roles == {"*": "viewer", "p": "admin"}
    assert run("role", "ada", "none") == 0

    assert capsys.readouterr().out.splitlines() == [
        "ada is viewer in all projects",
        "ada is admin in project 'p'",
        "ada is none in all projects",
    ]


def test_somebody_is_kept_out_let_in_again_and_given_another_password(
    run: Run, people: People, capsys: pytest.CaptureFixture[str]
) -> None:
    people.add_account("ada", "h", admin=False)
    people.add_session("s", b"d", "ada")

    assert run("disable", "ada") == 0
    assert people.session("s") is None
    assert run("enable", "ada") == 0
    assert run("password", "ada", "--stdin", password="another horse") == 0

    ada = people.account("ada")
    assert ada is not None
    assert is_right("another horse", ada.password)
    said = ["ada is kept out", "ada may come in again", "ada has another password"]
    assert capsys.readouterr().out.splitlines() == said
    assert [change.what for change in people.changes()] == [f"account {one}" for one in reversed(said)]
    assert people.changes()[0].who.endswith(" on the service's machine")


@pytest.mark.parametrize(
    "words",
    [("disable",), ("enable",), ("role", "viewer"), ("password", "--stdin"), ("link", "7", "--issuer", "https://a")],
)
def test_nobody_cannot_be_changed(run: Run, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    act, *rest = words

    assert run(act, "nobody", *rest) == 1

    assert capsys.readouterr().err == "ergoscope: nobody is called 'nobody'; `ergoscope user list` shows everybody\n"


def test_a_name_is_taken_once(run: Run, people: People, capsys: pytest.CaptureFixture[str]) -> None:
    people.add_account("ada", "h", admin=False)

    assert run("create", "ada", "--stdin") == 1

    assert capsys.readouterr().err == "ergoscope: somebody is called 'ada' already; choose another name\n"


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 257])
def test_a_name_that_cannot_be_shown_is_refused(run: Run, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("create", name, "--stdin") == 1

    assert capsys.readouterr().err == "ergoscope: the name must have from 1 to 256 printable characters\n"


def test_a_short_password_is_refused(run: Run, people: People, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("create", "ada", "--stdin", password="short") == 1

    assert capsys.readouterr().err == "ergoscope: the password has 5 characters; it must have from 10 to 1000\n"
    assert people.accounts() == []


def test_the_list_says_whom_providers_know(run: Run, people: People, capsys: pytest.CaptureFixture[str]) -> None:
    people.add_person_of("https://login.example.org", "7", name="ada", role="", project="*")

    assert run("list") == 0

    assert capsys.readouterr().out.rstrip().endswith(", logs in at https://login.example.org as 7")


def test_an_account_that_is_there_is_joined_to_a_subject(
    run: Run, people: People, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    people.add_account("ada", "h", admin=False)

    assert run("link", "ada", "7") == 1
    assert run("link", "ada", "7", "--issuer", "https://login.example.org") == 0
    for name, value in (("ISSUER", "https://other.example"), ("CLIENT_ID", "us"), ("CLIENT_SECRET", "s")):
        monkeypatch.setenv(f"ERGOSCOPE_OIDC_{name}", value)
    assert run("link", "ada", "8") == 0

    said = capsys.readouterr()
    assert said.err == "ergoscope: no provider is named; give --issuer, or set ERGOSCOPE_OIDC_ISSUER\n"
    assert said.out.splitlines() == [
        "ada logs in at https://login.example.org as 7",
        "ada logs in at https://other.example as 8",
    ]
    assert people.changes()[0].what == "account ada logs in at https://other.example as 8"
    assert len(people.identities()) == 2


def test_an_empty_list_says_how_to_make_one(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") == 0

    assert capsys.readouterr().out == "no accounts; make one: ergoscope user create NAME --admin\n"
