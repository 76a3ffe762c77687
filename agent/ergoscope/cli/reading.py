"""What the commands that read a server share: where it is, and how an answer is shown."""

import argparse
import json
import sys
import time

from rich.console import Console
from rich.table import Table

from ergoscope.addresses import server_url
from ergoscope.client import Client
from ergoscope.credentials import find_token

_WIDE = 100_000  # columns, where no terminal has an end


def declare_address(parser: argparse.ArgumentParser) -> None:
    """Add --server."""
    parser.add_argument("--server", metavar="URL", help="the server (default: ERGOSCOPE_BASE_URL, else this machine's)")


def declare_server(parser: argparse.ArgumentParser) -> None:
    """Add --server and --json."""
    declare_address(parser)
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")


def open_client(args: argparse.Namespace) -> Client:
    """Make the client that the options ask for."""
    url = server_url(args.server)
    return Client(url, api_key=find_token(url))


def print_json(value: object) -> None:
    """Print JSON on one line."""
    print(json.dumps(value, allow_nan=False, ensure_ascii=False))


def print_table(columns: list[str], rows: list[list[str]], *, empty: str) -> None:
    """Print a table, or a line when it has no rows; for a program that reads it as wide as it is."""
    if not rows:
        print(empty)
        return
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*row)
    width = None if sys.stdout.isatty() else _WIDE
    Console(highlight=False, markup=False, width=width).print(table)


def age(then: float, *, now: float | None = None) -> str:
    """Say how long ago a time was.

    Example:
        >>> age(0, now=90)
        '2 min ago'
    """
    seconds = max((time.time() if now is None else now) - then, 0.0)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"
