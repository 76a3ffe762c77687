"""docker-compose.yml fits the Compose schema, and keeps what docs/production.md promises. Nothing is started here."""

import argparse
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from ergoscope_server.app import create_app
from ergoscope_server.settings import ENV, FILE, Settings
from ergoscope_server.store.database import OVERFLOW, POOL
from tests.deploy.files import COMPOSE, PINNED, ROOT, composition, version

SERVICES = composition()["services"]
OURS = {name: one for name, one in SERVICES.items() if "build" in one}
LISTENING = ("postgres", "redis", "api", "page")


def _against_the_schema(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    return subprocess.run(command, capture_output=True, text=True)


def test_it_fits_the_compose_schema() -> None:
    checked = _against_the_schema(COMPOSE)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_schema_refuses_what_compose_would_refuse(tmp_path: Path) -> None:
    broken = tmp_path / "docker-compose.yml"
    broken.write_text(COMPOSE.read_text().replace("    ports:", "    portz:", 1))

    checked = _against_the_schema(broken)

    assert checked.returncode == 1
    assert "portz" in checked.stdout


def test_the_services_are_those_of_the_note() -> None:
    assert set(SERVICES) == {"postgres", "redis", "migrate", "api", "page", "worker"}
    assert {one["image"] for one in OURS.values()} == {f"ergoscope:{version()}"}


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_is_pinned_and_runs_without_rights(name: str) -> None:
    one = SERVICES[name]

    assert PINNED.fullmatch(one["image"])
    assert one["user"].split(":")[0] not in ("", "0", "root")
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert not one.get("privileged") and not one.get("cap_add")


@pytest.mark.parametrize("name", OURS)
def test_nobody_comes_in_without_a_token_or_an_account_unless_it_is_said(name: str) -> None:
    assert OURS[name]["environment"]["ERGOSCOPE_ACCESS"] == "${ERGOSCOPE_ACCESS:-closed}"


def test_ports_are_of_this_machine_only_as_the_service_speaks_plain_http() -> None:
    published = {name: one["ports"] for name, one in SERVICES.items() if "ports" in one}

    assert published == {"api": ["127.0.0.1:7118:7117"], "page": ["127.0.0.1:7117:7117"]}
    assert composition()["networks"]["inner"] == {"internal": True}
    assert [SERVICES[name]["networks"] for name in ("postgres", "redis")] == [["inner"]] * 2
    assert not any("network_mode" in one for one in SERVICES.values())


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_come_by_file(name: str) -> None:
    secrets = composition()["secrets"]
    named = SERVICES[name]["secrets"]
    environment = SERVICES[name].get("environment", {})

    assert all(secrets[one] == {"file": f"./secrets/{one}"} for one in named)
    held = [value for key, value in environment.items() if key.endswith(FILE)]
    assert all(value.removeprefix("/run/secrets/") in named for value in held)
    assert not [key for key in environment if "PASSWORD" in key and not key.endswith(FILE)]
    assert not [value for value in environment.values() if "://" in value]


def test_secrets_are_kept_out_of_git_and_of_the_image() -> None:
    assert "/secrets/" in (ROOT / ".gitignore").read_text().splitlines()
    let_through = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert "*" in (ROOT / ".dockerignore").read_text().splitlines()
    assert not [line for line in let_through if "secret" in line]


@pytest.mark.parametrize("name", OURS)
def test_our_variables_are_settings(name: str) -> None:
    known = {knob.metadata[ENV] for knob in Settings.__dataclass_fields__.values()}

    assert {key.removesuffix(FILE) for key in OURS[name]["environment"]} - {"FORWARDED_ALLOW_IPS"} <= known  # uvicorn's


@pytest.mark.parametrize("name", OURS)
def test_our_commands_are_commands(name: str) -> None:
    word, *rest = OURS[name]["command"]
    (found,) = entry_points(group="ergoscope.commands", name=word)
    command = found.load()()
    parser = argparse.ArgumentParser(exit_on_error=False)
    command.arguments(parser)

    chosen = vars(parser.parse_args(rest))

    assert chosen.get("host", "0.0.0.0") == "0.0.0.0", "else a published port leads nowhere"


def test_what_listens_says_how_it_is_and_others_wait_for_it() -> None:
    routes = create_app(Settings(page=False)).openapi()["paths"]

    assert all("test" in SERVICES[name]["healthcheck"] for name in LISTENING)
    for name in ("api", "page"):
        asked = SERVICES[name]["healthcheck"]["test"][-1]
        assert "http://127.0.0.1:7117/readyz" in asked
        compile(asked, name, "exec")
    assert "/readyz" in routes
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert SERVICES["migrate"]["restart"] == "no"
    for name in ("api", "page", "worker"):
        assert SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        assert SERVICES[name]["restart"] == "unless-stopped"


def test_postgresql_has_a_connection_for_each_that_may_ask_and_keeps_its_data() -> None:
    workers = int(SERVICES["api"]["command"][SERVICES["api"]["command"].index("--workers") + 1])
    processes = workers + 2  # page and worker
    (allowed,) = [word for word in SERVICES["postgres"]["command"] if word.startswith("max_connections=")]

    assert int(allowed.partition("=")[2]) > processes * (POOL + OVERFLOW)
    assert SERVICES["postgres"]["volumes"] == ["postgres:/var/lib/postgresql/data"]
    assert "postgres" in composition()["volumes"]
