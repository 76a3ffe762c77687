"""What the settings name is opened, or it is said why not."""

import sys

import pytest

from ergoscope_server.bus.memory import MemoryBus
from ergoscope_server.opening import check_shared, open_announcer, open_bus
from ergoscope_server.settings import Settings, SettingsError

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
