"""Opens what the settings name: the bus, the announcements, and whether several processes may share them."""

from typing import TYPE_CHECKING

from ergoscope_server.bus.bus import Bus
from ergoscope_server.bus.memory import MemoryBus
from ergoscope_server.settings import Settings, SettingsError

if TYPE_CHECKING:
    from ergoscope_server.work.announcer import Announcer


def open_bus(settings: Settings) -> Bus:
    """Give the bus of this process.

    Raises:
        SettingsError: Redis is named, and its client is not installed.
    """
    if not settings.redis_url:
        return MemoryBus()
    try:
        from ergoscope_server.bus.redis import RedisBus
    except ImportError as error:
        raise SettingsError(
            f"ERGOSCOPE_REDIS_URL needs {error.name}, which is not installed; "
            "install it: pip install 'ergoscope[redis]'"
        ) from error
    return RedisBus(settings.redis_url)


def open_announcer(settings: Settings) -> "Announcer | None":
    """Give what announces batches to other processes; None where there are none."""
    if not settings.redis_url:
        return None
    from ergoscope_server.work.announcer import Announcer

    return Announcer(settings.redis_url)


def check_shared(settings: Settings, command: str) -> None:
    """See whether several processes can do the work together.

    Raises:
        SettingsError: they have nothing to share it by.
    """
    if settings.store_url.startswith("sqlite"):
        raise SettingsError(
            f"`{command}` is one process of several, and SQLite is for one; set ERGOSCOPE_DATABASE_URL to "
            "postgresql://HOST/NAME, or run everything in one process: ergoscope up"
        )
    if not settings.redis_url:
        raise SettingsError(
            f"`{command}` is one process of several, which tell each other what is new through Redis; set "
            "ERGOSCOPE_REDIS_URL to redis://HOST:PORT/0, or run everything in one process: ergoscope up"
        )
