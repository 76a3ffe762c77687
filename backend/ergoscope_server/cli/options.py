"""The options that all commands have which serve."""

import argparse
import os

from ergoscope_server.environment import read_settings
from ergoscope_server.settings import Settings


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    parser.add_argument("--port", type=int, help="TCP port (default 7117; 0 takes a free one)")
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1: this machine only)")
    parser.add_argument("--no-page", action="store_true", help="serve the API without the page")


def settings_of(args: argparse.Namespace, **more: object) -> Settings:
    """Make settings of what was given, `more` beside these options, and of the environment.

    Raises:
        SettingsError: a value is of the wrong type or out of range.
    """
    page = False if args.no_page else None
    return read_settings(os.environ, port=args.port, host=args.host, page=page, **more)
