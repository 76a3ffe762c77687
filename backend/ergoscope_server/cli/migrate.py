"""`ergoscope migrate`: brings the database up to date, before the processes that use it are started."""

import argparse
import os
from contextlib import closing

from ergoscope_server.cli.saying import complain
from ergoscope_server.environment import read_settings
from ergoscope_server.settings import SettingsError
from ergoscope_server.store.errors import StoreError
from ergoscope_server.store.migrate import BARE
from ergoscope_server.store.store import Store


class Migrate:
    """Bring the database that the settings name up to date, as `up`, `serve` and `work` do too when they start."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options: all are settings."""

    def run(self, args: argparse.Namespace) -> int:  # noqa: ARG002 (there are none)
        """Migrate, and say from which revision to which."""
        try:
            with closing(Store(read_settings(os.environ).store_url)) as store:
                name = store.database.url.render_as_string(hide_password=True)
                print(f"{name}: {_described(*store.brought)}", flush=True)
        except (SettingsError, StoreError) as error:
            return complain(error)
        return 0


def _described(before: str, now: str) -> str:
    if before == now:
        return f"was at revision {now} already"
    return f"from {'nothing' if before == BARE else f'revision {before}'} to revision {now}"
