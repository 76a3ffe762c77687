"""What docs/production.md tells people to type fits the files that it is about."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from redis import Redis

from ergoscope_contract import codec
from ergoscope_contract.codec import MAX_PACKED, MAX_UNPACKED
from ergoscope_server.environment import read_settings
from ergoscope_server.settings import Settings
from ergoscope_server.store.database import OVERFLOW, POOL
from ergoscope_server.store.tables import metadata
from ergoscope_server.work.names import SHARDS
from tests.deploy.files import NOTE, blocks, composition


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """The folder that the note's first commands make."""
    subprocess.run(["bash", "-euo", "pipefail", "-c", blocks("bash")[0]], cwd=tmp_path, check=True)
    return tmp_path / "secrets"


def test_the_secrets_are_those_that_the_composition_names_and_fit_together(secrets: Path) -> None:
    said = {one.name: one.read_text() for one in secrets.iterdir()}

    settings = read_settings({f"ERGOSCOPE_{name.upper()}_FILE": str(secrets / name) for name in said if "url" in name})

    assert set(said) == set(composition()["secrets"])
    assert re.fullmatch(r"[0-9a-f]{64}", said["postgres_password"])
    assert settings.database_url == f"postgresql://ergoscope:{said['postgres_password']}@postgres/ergoscope"
    redis = re.fullmatch(r"requirepass ([0-9a-f]{64})\n", said["redis_conf"])
    assert redis is not None
    assert settings.redis_url == f"redis://:{redis[1]}@redis:6379/0"
    assert redis[1] != said["postgres_password"]


def test_only_their_owner_enters_the_folder_and_every_container_reads_the_files(secrets: Path) -> None:
    assert secrets.stat().st_mode & 0o777 == 0o700
    assert {one.stat().st_mode & 0o777 for one in secrets.iterdir()} == {0o444}


def test_redis_takes_its_command_and_its_secret_and_answers_its_health_check(secrets: Path, tmp_path: Path) -> None:
    if shutil.which("redis-server") is None:
        pytest.skip("there is no redis-server on the path")
    conf, at = str(secrets / "redis_conf"), str(tmp_path / "socket")
    redis = composition()["services"]["redis"]
    command = [word.replace("/run/secrets/redis_conf", conf) for word in redis["command"]]
    health = redis["healthcheck"]["test"][1].replace("/run/secrets/redis_conf", conf).replace("$$", "$")
    health = health.replace("redis-cli", f"redis-cli -s {at}")
    running = subprocess.Popen([*command, "--port", "0", "--unixsocket", at], cwd=tmp_path, stdout=subprocess.PIPE)
    try:
        assert running.stdout is not None
        while b"ready to accept connections" not in running.stdout.readline():
            assert running.poll() is None
        assert subprocess.run(["sh", "-c", health]).returncode == 0
        assert subprocess.run(["sh", "-c", health.replace("requirepass", "nothing")]).returncode == 1
        password = (secrets / "redis_conf").read_text().split()[1]
        with Redis(unix_socket_path=at, password=password) as client:
            assert client.config_get("save") == {"save": ""}
    finally:
        running.kill()
        running.communicate()


def test_every_table_is_distributed_by_its_run_or_copied_to_every_node() -> None:
    (commands,) = blocks("sql")
    by_run = dict(re.findall(r"create_distributed_table\('(\w+)', '(\w+)'", commands))
    copied = re.findall(r"create_reference_table\('(\w+)'\)", commands)

    assert sorted([*by_run, *copied]) == sorted(metadata.tables)
    assert all(next(iter(metadata.tables[name].primary_key.columns)).name == key for name, key in by_run.items())


def test_the_proxy_leads_to_the_published_ports_and_lets_a_whole_batch_through() -> None:
    (proxy,) = blocks("nginx")
    services = composition()["services"]
    published = {port.rpartition(":")[0] for one in services.values() for port in one.get("ports", ())}

    assert set(re.findall(r"http://([\d.:]+)", proxy)) == published
    assert f"client_max_body_size {codec.MAX_PACKED // 2**20}m;" in proxy


def test_numbers_of_the_note_are_those_of_the_code() -> None:
    text = NOTE.read_text(encoding="utf-8")

    assert f"A process opens up to {POOL + OVERFLOW} connections" in text
    assert f"More than {SHARDS} workers have nothing to do" in text
    assert f"| series of a run: {Settings().run_series:,} | `ERGOSCOPE_RUN_SERIES` |" in text
    assert f"| runs of a project: {Settings().project_runs:,} | `ERGOSCOPE_PROJECT_RUNS` |" in text
    assert f"| batches not yet folded: {Settings().unfolded_mb} MB | `ERGOSCOPE_UNFOLDED_MB` |" in text
    assert f"one batch: {MAX_PACKED >> 20} MB packed, {MAX_UNPACKED >> 20} unpacked" in text
    assert "The service lets in who has a token or logs in, and nobody else" in text
    assert "The images were never built and the composition was never started." in text
