"""What `ergoscope doctor --server` finds, on real databases and Redis."""

import json
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from ergoscope import cli
from ergoscope_server.cli.doctor import ServerExamination, examine
from ergoscope_server.examination import Finding
from ergoscope_server.serving import listen
from ergoscope_server.settings import Settings
from ergoscope_server.store.database import Database
from ergoscope_server.store.migrate import migrate, newest
from ergoscope_server.store.store import Store
from tests.backend.api.conftest import serving
from tests.backend.openid import CLIENT, SECRET, providing
from tests.backend.servers import OwnRedis, own_redis
from tests.backend.store.conftest import postgres_url

__all__ = ["own_redis", "postgres_url"]  # fixtures

NOW = 1_790_000_000.0


def _found(**environment: str) -> dict[str, Finding]:
    named = {f"ERGOSCOPE_{name.upper()}": value for name, value in {"port": "0", **environment}.items()}
    return {finding.name: finding for finding in examine(named, now=NOW)}


def test_settings_that_cannot_be_read_are_one_failure() -> None:
    found = _found(port="80000")

    assert found == {
        "settings": Finding(
            "settings", "fail", "port is 80000; it must lie between 0 and 65535", "mend the variable, or unset it"
        )
    }


def test_settings_are_shown_without_what_is_secret() -> None:
    environment = {
        "ERGOSCOPE_DATABASE_URL": "postgresql://ann:hunter2@127.0.0.1:9/x",
        "ERGOSCOPE_REDIS_URL": "redis://:hunter2@127.0.0.1:9/0",
        "ERGOSCOPE_WEBHOOK_URL": "https://chat.example/hunter2?key=hunter2",
        "ERGOSCOPE_PORT": "0",
    }

    found = list(examine(environment, now=NOW))

    said = [finding.said for finding in found if finding.name == "setting"]
    assert "ERGOSCOPE_DATABASE_URL is postgresql://ann:***@127.0.0.1:9/x" in said
    assert "ERGOSCOPE_WEBHOOK_URL is https://chat.example/***" in said
    assert "hunter2" not in "".join(finding.reason for finding in found)


def test_a_provider_is_asked_what_it_calls_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = {"oidc_client_id": CLIENT, "oidc_client_secret": SECRET, "data_dir": str(tmp_path)}
    with providing() as openid:
        right = _found(oidc_issuer=openid.url, **ours)["provider"]
        openid.said["issuer"] = "https://another.example"
        other = _found(oidc_issuer=openid.url, **ours)["provider"]
        openid.down = True
        down = _found(oidc_issuer=openid.url, **ours)["provider"]
    monkeypatch.delitem(sys.modules, "ergoscope_server.people.provider", raising=False)
    monkeypatch.setitem(sys.modules, "authlib.integrations.httpx_client", None)
    absent = _found(oidc_issuer=openid.url, **ours)["provider"]

    assert (right.state, right.said) == ("ok", f"{openid.url} answers")
    assert (other.state, other.said) == ("warn", f"{openid.url} calls itself 'https://another.example'")
    assert (down.state, down.said) == ("warn", f"{openid.url} does not answer")
    assert absent.state == "fail" and absent.said.endswith("install it: pip install 'ergoscope[oidc]'")


def test_a_database_that_nobody_has_made_yet_is_left_so(tmp_path: Path) -> None:
    found = _found(data_dir=str(tmp_path / "data"))["database"]

    assert (found.state, found.todo) == ("warn", "ergoscope up makes it")
    assert not list(tmp_path.iterdir())


def test_sqlite_with_all_that_is_known_of_it(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'ergoscope.db'}", clock=lambda: NOW - 3)
    store.report("work")
    store.close()

    found = _found(data_dir=str(tmp_path))

    assert set(found) == {"setting", "database", "schema", "workers", "lag", "disk", "port"}
    assert found["database"].said.startswith(f"sqlite:///{tmp_path / 'ergoscope.db'}: SQLite 3.")
    assert ", journal_mode wal, auto_vacuum " in found["database"].said
    assert found["schema"].said == f"revision {newest()}"
    assert found["workers"].said == "at work, as one said 3 s ago"
    assert found["lag"].said == "everything is folded"
    assert found["port"].said == "a free one is taken"


def test_an_older_schema_is_a_failure_with_what_to_do(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'ergoscope.db'}")
    migrate(database)
    migrate(database, to="0002")
    database.close()

    found = _found(data_dir=str(tmp_path))

    assert (found["schema"].state, found["schema"].todo) == ("fail", "run: ergoscope migrate")
    assert "workers" not in found


def test_servers_that_do_not_answer() -> None:
    found = _found(database_url="postgresql://postgres@127.0.0.1:9/x", redis_url="redis://127.0.0.1:9/0")

    assert found["database"].state == "fail"
    assert found["database"].said.startswith("the database cannot answer now: connection failed")
    assert found["redis"].state == "warn"
    assert found["redis"].said.startswith("redis://127.0.0.1:9/0 does not answer: ")


@pytest.mark.postgres
@pytest.mark.redis
def test_postgres_and_redis_say_their_versions(postgres_url: str, own_redis: OwnRedis) -> None:
    Store(postgres_url).close()

    found = _found(database_url=postgres_url, redis_url=own_redis.url)

    assert ": PostgreSQL " in found["database"].said
    assert found["redis"].said.startswith(f"{own_redis.url}: Redis ")
    assert {finding.state for finding in found.values()} == {"ok"}
    assert "disk" not in found


def test_a_port_is_free_or_ours_or_anothers(tmp_path: Path) -> None:
    with serving(Settings(data_dir=tmp_path, page=False)) as running:
        port = running.url.rpartition(":")[2]
        ours = _found(data_dir=str(tmp_path), port=port)["port"]
    free = _found(data_dir=str(tmp_path), port=port)["port"]
    with listen("127.0.0.1", 0) as another:
        taken = another.getsockname()[1]
        theirs = _found(data_dir=str(tmp_path), port=str(taken))["port"]

    assert (ours.state, ours.said) == ("ok", f"ergoscope answers on 127.0.0.1:{port}")
    assert (free.state, free.said) == ("ok", f"nothing listens on 127.0.0.1:{port}")
    assert (theirs.state, theirs.reason) == (
        "fail",
        f"another program has 127.0.0.1:{taken}; choose another port with ERGOSCOPE_PORT",
    )


def test_the_command_prints_it_and_fails_where_something_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ergoscope.cli.doctor.entry_points", lambda group: [_Entry()])
    monkeypatch.setattr(
        "ergoscope.cli.entry_points", lambda group: [EntryPoint("doctor", "ergoscope.cli.doctor:Doctor", group)]
    )
    monkeypatch.setenv("ERGOSCOPE_PORT", "80000")

    codes = [cli.main(["doctor", "--server"]), cli.main(["doctor", "--server", "--json"])]

    said = capsys.readouterr().out.splitlines()
    assert codes == [1, 1]
    assert said[0] == "fail  settings  port is 80000; it must lie between 0 and 65535"
    assert said[1].strip() == "mend the variable, or unset it"
    assert json.loads(said[2])[0]["state"] == "fail"


class _Entry:
    def load(self) -> type[ServerExamination]:
        return ServerExamination
