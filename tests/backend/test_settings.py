"""The service's settings."""

from pathlib import Path

import pytest

from ergoscope_server.environment import read_settings
from ergoscope_server.settings import Settings, SettingsError


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
        ({"ERGOSCOPE_UNFOLDED_MB": "0"}, "unfolded_mb is 0; it must be at least 1"),
        ({"ERGOSCOPE_WORKERS": "0"}, "workers is 0; it must be at least 1"),
        *(
            ({f"ERGOSCOPE_{name.upper()}": "-1"}, f"{name} is -1; it must be at least 0, which is no limit")
            for name in ("run_series", "run_rate", "project_runs")
        ),
        (
            {"ERGOSCOPE_REDIS_PREFIX": "{ours}"},
            "redis_prefix is '{ours}'; allowed: 1 to 64 letters, digits, '.', '_', '-' and ':'",
        ),
        ({"ERGOSCOPE_ACCESS": "public"}, "access is 'public'; allowed: auto, open, closed"),
        (
            {"ERGOSCOPE_PUBLIC_URL": "https://a.example, b.example"},
            "public_url is 'b.example'; it must be an address such as https://ergoscope.example.org",
        ),
        ({"ERGOSCOPE_PUBLIC_URL": "https://[::"}, "public_url is 'https://\\[::'; it must be an address such as"),
        (
            {"ERGOSCOPE_REDIS_URL": "http://u:secret@host/0"},
            "redis_url is 'host/0'; it must begin with one of redis://, rediss://, ",
        ),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_name(environment: dict[str, str], text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        read_settings(environment)


ISSUER = {"ERGOSCOPE_OIDC_ISSUER": "https://login.example.org:8443/realms/a"}
CLIENT = {"ERGOSCOPE_OIDC_CLIENT_ID": "us", "ERGOSCOPE_OIDC_CLIENT_SECRET": "s"}


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        ({"ERGOSCOPE_OIDC_ROLE": "admin"}, "oidc_role is 'admin'; allowed: none, viewer, member"),
        (ISSUER, "oidc_client_id is empty; the provider gives one to each service that it knows"),
        (ISSUER | {"ERGOSCOPE_OIDC_CLIENT_ID": "us"}, "oidc_client_secret is empty; the provider gives one"),
        *(
            (
                {"ERGOSCOPE_OIDC_ISSUER": url},
                f"oidc_issuer is '{url}'; it must be an address such as https://login.example.org",
            )
            for url in ("http://login.example.org", "login.example.org", "https://")
        ),
    ],
)
def test_a_provider_that_cannot_be_is_refused(environment: dict[str, str], text: str) -> None:
    with pytest.raises(SettingsError, match=f"^{text}"):
        read_settings(environment)


def test_a_provider_is_called_by_its_host_unless_it_has_a_name() -> None:
    named = {"ERGOSCOPE_OIDC_NAME": "Example"}

    assert read_settings({} | named).provider_name == ""
    assert read_settings(ISSUER | CLIENT).provider_name == "login.example.org"
    assert read_settings(ISSUER | CLIENT | named).provider_name == "Example"
    assert read_settings(CLIENT | {"ERGOSCOPE_OIDC_ISSUER": "http://localhost:8080"}).provider_name == "localhost"


def test_an_unknown_setting_is_refused_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match="there is no setting 'prot'; there are access, data_dir, database_url, "):
        read_settings({}, prot=1)


def test_a_value_may_stand_in_a_file(tmp_path: Path) -> None:
    secret, port = tmp_path / "secret", tmp_path / "port"
    secret.write_text("postgresql://u:hidden@h/x\n")
    port.write_text("8000")

    settings = read_settings({"ERGOSCOPE_DATABASE_URL_FILE": str(secret), "ERGOSCOPE_PORT_FILE": str(port)})

    assert settings == Settings(database_url="postgresql://u:hidden@h/x", port=8000)
    assert read_settings({"ERGOSCOPE_PORT_FILE": str(tmp_path / "none")}, port=9000).port == 9000


def test_a_file_that_gives_no_value_is_refused_with_its_name(tmp_path: Path) -> None:
    name, there = "ERGOSCOPE_DATABASE_URL_FILE", tmp_path / "there"
    with pytest.raises(SettingsError, match=f"{name} is '{there}', which cannot be read: No such file or directory"):
        read_settings({name: str(there)})
    there.write_bytes(b"\xff")
    with pytest.raises(SettingsError, match=f"{name} is '{there}', which cannot be read: it is not UTF-8 text"):
        read_settings({name: str(there)})
    there.write_text("\n")
    with pytest.raises(SettingsError, match=f"{name} is '{there}', which is empty"):
        read_settings({name: str(there)})


def test_a_value_and_its_file_are_not_both_taken(tmp_path: Path) -> None:
    both = {"ERGOSCOPE_DATABASE_URL": "sqlite:///x", "ERGOSCOPE_DATABASE_URL_FILE": str(tmp_path / "y")}
    with pytest.raises(SettingsError, match="ERGOSCOPE_DATABASE_URL and ERGOSCOPE_DATABASE_URL_FILE are both set; set"):
        read_settings(both)


@pytest.mark.parametrize(
    ("settings", "open_to_all"),
    [
        (Settings(), True),
        (Settings(host="localhost"), True),
        (Settings(host="0.0.0.0"), False),
        (Settings(public_url="https://a.example"), False),
        (Settings(access="closed"), False),
        (Settings(host="0.0.0.0", access="open"), True),
    ],
)
def test_only_on_loopback_or_where_it_is_said_is_nobody_asked(settings: Settings, open_to_all: bool) -> None:
    assert settings.open_to_all == open_to_all


def test_public_addresses_are_names_and_links() -> None:
    settings = Settings(public_url="https://Ergo.example.org/, http://10.0.0.7:7117")

    assert settings.public_urls == ["https://Ergo.example.org", "http://10.0.0.7:7117"]
    assert settings.public_names == ["ergo.example.org", "10.0.0.7"]


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        (Settings(), []),
        (Settings(host="10.0.0.7"), []),
        (Settings(host="0.0.0.0", public_url="https://ergo.example.org"), ["ergo.example.org"]),
        (Settings(host="GPU-box", public_url="https://ergo.example.org"), ["ergo.example.org", "gpu-box"]),
    ],
)
def test_where_names_are_told_the_address_that_is_listened_on_is_one_of_them(
    settings: Settings, names: list[str]
) -> None:
    assert settings.names == names


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"log_format": "xml"}, "log_format is 'xml'; allowed: text, json"),
        ({"log_level": "loud"}, "log_level is 'loud'; allowed: debug, info, warning, error"),
        (
            {"metrics_port": 65_535, "workers": 4},
            "metrics_port is 65535; it must lie between 0 and 65531, one for each process",
        ),
    ],
)
def test_what_logs_and_figures_cannot_be_is_refused(given: dict[str, object], text: str) -> None:
    with pytest.raises(SettingsError, match=f"^{text}$"):
        read_settings({}, **given)
