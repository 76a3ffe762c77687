"""The service's settings."""

from pathlib import Path

import pytest

from ergoscope_server.settings import Settings, SettingsError, read_settings


def test_what_is_given_wins_over_the_environment_and_that_over_the_defaults() -> None:
    environment = {"ERGOSCOPE_PORT": "8000", "ERGOSCOPE_HOST": "::1", "ERGOSCOPE_PAGE": "0", "OTHER": "x"}

    settings = read_settings(environment, port=9000, host=None)

    assert settings == Settings(port=9000, host="::1", page=False)
    assert settings.local


def test_the_database_lies_in_the_data_directory_unless_another_is_named(tmp_path: Path) -> None:
    assert read_settings({}, data_dir=tmp_path).store_url == f"sqlite:///{tmp_path}/ergoscope.db"
    named = read_settings({"ERGOSCOPE_DATABASE_URL": "postgresql://h/x", "ERGOSCOPE_DATA_DIR": "~/there"})
    assert named.store_url == "postgresql://h/x"
    assert named.directory == Path.home() / "there"


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        ({"ERGOSCOPE_PORT": "many"}, "ERGOSCOPE_PORT is 'many'; it must be a whole number"),
        ({"ERGOSCOPE_PORT": "70000"}, "port is 70000; it must lie between 0 and 65535"),
        ({"ERGOSCOPE_PAGE": "perhaps"}, "ERGOSCOPE_PAGE is 'perhaps'; it must be 1 or 0"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_name(environment: dict[str, str], text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        read_settings(environment)


def test_an_unknown_setting_is_refused_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match="there is no setting 'prot'; there are data_dir, database_url, host, page"):
        read_settings({}, prot=1)
