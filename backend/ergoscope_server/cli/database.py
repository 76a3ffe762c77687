"""The options of commands that work straight on the service's database, beside a service that runs or without one."""

import argparse
import os
from pathlib import Path

from ergoscope_server.environment import read_settings
from ergoscope_server.store.errors import StoreError
from ergoscope_server.store.store import Store


def declare_database(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    parser.add_argument("--data-dir", type=Path, help="where the database lies (default ~/.ergoscope/server)")


def open_database(args: argparse.Namespace) -> Store:
    """Open the database that the options and the environment name.

    Raises:
        SettingsError: a setting cannot be used.
        StoreError: it cannot be opened, or its folder cannot be made.
    """
    settings = read_settings(os.environ, data_dir=args.data_dir)
    if not settings.database_url:
        try:
            settings.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"cannot make {settings.directory}: {error.strerror}; choose another place with --data-dir"
            ) from error
    return Store(settings.store_url)
