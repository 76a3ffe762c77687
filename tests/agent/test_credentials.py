"""Where the token for a server comes from."""

from pathlib import Path

import pytest

from ergoscope.credentials import find_token
from ergoscope.errors import SettingError

URL = "https://ergo.example.org"


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "netrc"
    path.write_text("machine ergo.example.org password one\nmachine ergo.example.org:7117 login x password two\n")
    path.chmod(0o600)
    monkeypatch.setattr("ergoscope.credentials.FILE", path)
    return path


def test_what_is_given_wins_over_the_environment_and_that_over_the_file(kept: Path) -> None:
    environment = {"ERGOSCOPE_API_KEY": "theirs"}

    assert find_token(URL, "given", environment=environment) == "given"
    assert find_token(URL, "", environment=environment) == ""
    assert find_token(URL, environment=environment) == "theirs"
    assert find_token(URL, environment={}) == "one"


def test_a_token_goes_to_its_own_server_only(kept: Path) -> None:
    kept.write_text(kept.read_text() + "default password everybodys\n")

    assert find_token("http://ergo.example.org:7117/", environment={}) == "two"
    assert find_token("http://ergo.example.org:8000", environment={}) == "one"
    assert find_token("https://evil.example", environment={}) == ""
    assert find_token("http://127.0.0.1:7117", environment={}) == ""


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_may_read_is_refused_with_what_to_do(kept: Path, mode: int) -> None:
    kept.chmod(mode)

    with pytest.raises(
        SettingError, match=rf"netrc holds tokens, and others may read it \(its mode is {mode:o}\); chmod 600 {kept}"
    ):
        find_token(URL, environment={})


def test_a_file_that_cannot_be_understood_is_refused_without_what_stands_in_it(kept: Path) -> None:
    kept.write_text("machine ergo.example.org s3cret\n")

    text = "netrc cannot be understood; a line is: machine HOST password TOKEN"
    with pytest.raises(SettingError, match=text) as caught:
        find_token(URL, environment={})

    assert "s3cret" not in str(caught.value)


def test_without_a_file_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ergoscope.credentials.FILE", tmp_path / "absent")

    assert find_token(URL, environment={}) == ""
