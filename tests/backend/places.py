"""Where stores and services of tests lie: in files, or with ERGOSCOPE_TEST_ON=postgres on PostgreSQL and Redis."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from ergoscope_server.settings import Settings
from tests.backend.postgres import new_database
from tests.backend.servers import OwnRedis, own

CHOICE = "ERGOSCOPE_TEST_ON"
ALLOWED = ("sqlite", "postgres")
PLACE = os.environ.get(CHOICE) or "sqlite"
assert PLACE in ALLOWED, f"{CHOICE} is {PLACE!r}; allowed: {', '.join(ALLOWED)}"


@contextmanager
def database_of(folder: Path) -> Iterator[str]:
    """Give the URL of an empty database, of which a folder may hold the file."""
    if PLACE == "sqlite":
        yield f"sqlite:///{folder / 'ergoscope.db'}"
    else:
        with new_database() as url:
            yield url


@contextmanager
def placed(settings: Settings) -> Iterator[Settings]:
    """Give the settings, with a database and a Redis of their own where they name none and the tests run on these."""
    if PLACE == "sqlite" or settings.database_url:
        yield settings
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis = stack.enter_context(own(OwnRedis, folder))
        url = stack.enter_context(new_database())
        yield replace(settings, database_url=url, redis_url=redis.url)
