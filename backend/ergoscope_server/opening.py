"""Opens what the settings name: the bus, the announcements, and whether several processes may share them."""

from typing import TYPE_CHECKING

from ergoscope_server.bus.bus import Bus
from ergoscope_server.bus.memory import MemoryBus
from ergoscope_server.settings import Settings, SettingsError
from ergoscope_server.store.people import People
from ergoscope_server.store.store import Store
from ergoscope_server.work.names import in_one_slot

if TYPE_CHECKING:
    from ergoscope_server.people.provider import OpenIdProvider
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
    return RedisBus(settings.redis_url, prefix=settings.redis_prefix)


def open_announcer(settings: Settings) -> "Announcer | None":
    """Give what announces batches to other processes; None where there are none."""
    if not settings.redis_url:
        return None
    from ergoscope_server.work.announcer import Announcer

    return Announcer(settings.redis_url, prefix=in_one_slot(settings.redis_prefix))


def open_provider(settings: Settings) -> "OpenIdProvider | None":
    """Give the provider at which people log in, without asking it anything; None where there is none.

    Raises:
        SettingsError: one is named, and what speaks to it is not installed.
    """
    if not settings.oidc_issuer:
        return None
    try:
        from ergoscope_server.people.provider import OpenIdProvider
    except ImportError as error:
        raise SettingsError(
            f"ERGOSCOPE_OIDC_ISSUER needs {error.name}, which is not installed; install it: pip install "
            "'ergoscope[oidc]'"
        ) from error
    return OpenIdProvider(settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret)


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


def check_guarded(settings: Settings, store: Store) -> None:
    """See whether a service that others can reach knows whom to let in.

    Raises:
        SettingsError: it knows nobody, and nothing says that everybody may come in.
    """
    if settings.access != "auto" or settings.open_to_all or settings.oidc_issuer:
        return
    if People(store.database).anybody():
        return
    where = settings.public_url or settings.host
    raise SettingsError(
        f"others can reach {where}, and the database holds no token and no account that could come in; make one with "
        "`ergoscope token create --scope write --scope read` or `ergoscope user create NAME --admin`. Set "
        "ERGOSCOPE_ACCESS=open to let in whoever can reach it, such as behind a proxy that asks who they are, or "
        "ERGOSCOPE_ACCESS=closed to start anyway"
    )
