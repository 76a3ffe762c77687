"""What the settings name is opened, or it is said why not."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from ergoscope_server.bus.memory import MemoryBus
from ergoscope_server.opening import check_guarded, check_shared, open_announcer, open_bus, open_provider
from ergoscope_server.settings import Settings, SettingsError
from ergoscope_server.store.people import People
from ergoscope_server.store.store import Store
from ergoscope_server.work.announced import Announced
from ergoscope_server.work.names import in_one_slot, shard_of, stream
from tests.backend.bus.conftest import until
from tests.backend.servers import prefix, redis_url

__all__ = ["prefix", "redis_url"]  # fixtures

POSTGRES, REDIS = "postgresql://h/x", "redis://h:6379/0"


def test_without_redis_there_is_one_process() -> None:
    assert isinstance(open_bus(Settings()), MemoryBus)
    assert open_announcer(Settings()) is None


def test_a_missing_client_is_said_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ergoscope_server.bus.redis", raising=False)
    monkeypatch.delitem(sys.modules, "ergoscope_server.bus.connect", raising=False)
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.setitem(sys.modules, "redis.client", None)

    with pytest.raises(SettingsError, match=r"ERGOSCOPE_REDIS_URL needs redis.*pip install 'ergoscope\[redis\]'"):
        open_bus(Settings(redis_url=REDIS))


@pytest.mark.redis
def test_what_a_service_keeps_and_says_in_redis_begins_with_its_own_name(redis_url: str, prefix: str) -> None:
    settings = Settings(redis_url=redis_url, redis_prefix=prefix)
    with Redis.from_url(redis_url) as client, client.pubsub() as ear:
        ear.subscribe(f"{prefix}:news")
        bus, announcer = open_bus(settings), open_announcer(settings)
        assert announcer is not None

        bus.publish("r", "arrival")
        announcer.announce("r", Announced(1, 10))
        until(lambda: (told := ear.get_message()) is not None and told["type"] == "message")
        until(lambda: client.xlen(stream(in_one_slot(prefix), shard_of("r"))) == 1)

        bus.close()
        announcer.close()
        client.delete(stream(in_one_slot(prefix), shard_of("r")))


PROVIDER = Settings(
    host="0.0.0.0", oidc_issuer="https://login.example.org", oidc_client_id="us", oidc_client_secret="a secret"
)


def test_a_provider_is_opened_without_being_asked() -> None:
    assert open_provider(Settings()) is None
    opened = open_provider(PROVIDER)

    assert opened is not None and opened.issuer == "https://login.example.org"


@pytest.mark.parametrize("absent", ["authlib", "joserfc", "httpx2"])
def test_a_provider_without_what_speaks_to_it_is_said_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, absent: str
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == absent]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, absent, None)
    for ours in ("begun", "provider"):
        monkeypatch.delitem(sys.modules, f"ergoscope_server.people.{ours}", raising=False)

    with pytest.raises(SettingsError, match=rf"ERGOSCOPE_OIDC_ISSUER needs {absent}.*pip install 'ergoscope\[oidc\]'"):
        open_provider(PROVIDER)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (Settings(redis_url=REDIS), "SQLite is for one; set ERGOSCOPE_DATABASE_URL to postgresql://HOST/NAME, or run"),
        (Settings(database_url=POSTGRES), "through Redis; set ERGOSCOPE_REDIS_URL to redis://HOST:PORT/0, or run"),
    ],
)
def test_several_processes_need_postgresql_and_redis(settings: Settings, text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        check_shared(settings, "ergoscope serve")

    check_shared(Settings(database_url=POSTGRES, redis_url=REDIS), "ergoscope serve")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path / 'a.db'}")
    yield opened
    opened.close()


REACHED = [
    (Settings(host="0.0.0.0"), r"0\.0\.0\.0"),
    (Settings(host="::"), "::"),
    (Settings(public_url="https://ergoscope.example.org"), r"https://ergoscope\.example\.org"),
]


@pytest.mark.parametrize(("settings", "where"), REACHED)
def test_a_service_that_others_can_reach_must_know_whom_to_let_in(store: Store, settings: Settings, where: str) -> None:
    with pytest.raises(
        SettingsError,
        match=f"others can reach {where}, and the database holds no token and no account that could come in; make one "
        "with `ergoscope token create --scope write --scope read` or `ergoscope user create NAME --admin`. Set "
        "ERGOSCOPE_ACCESS=open to let in whoever can reach it, .* or ERGOSCOPE_ACCESS=closed to start anyway",
    ):
        check_guarded(settings, store)


@pytest.mark.parametrize(("settings", "where"), REACHED)
def test_with_a_token_it_starts(store: Store, settings: Settings, where: str) -> None:
    People(store.database).add_token("a", b"d", name="", scopes="read", project=None)

    check_guarded(settings, store)


def test_with_a_provider_it_starts_as_people_come_in_by_it(store: Store) -> None:
    check_guarded(PROVIDER, store)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(host="::1"),
        Settings(host="0.0.0.0", access="open"),
        Settings(host="0.0.0.0", access="closed"),
        Settings(access="closed"),
    ],
)
def test_on_loopback_or_where_it_is_said_no_token_is_needed_to_start(store: Store, settings: Settings) -> None:
    check_guarded(settings, store)
