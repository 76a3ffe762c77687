"""`ergoscope up`: service and page in one process."""

import argparse
import os
from pathlib import Path

from ergoscope_server.app import create_app
from ergoscope_server.cli.saying import complain, welcome
from ergoscope_server.serving import AddressError, Server, listen
from ergoscope_server.settings import Settings, SettingsError, read_settings
from ergoscope_server.store.errors import StoreError
from ergoscope_server.store.store import Store


class Up:
    """Start the service and its page on this machine; stop it with Ctrl-C."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--port", type=int, help="TCP port (default 7117; 0 takes a free one)")
        parser.add_argument("--host", help="address to listen on (default 127.0.0.1: this machine only)")
        parser.add_argument("--data-dir", type=Path, help="where the database lies (default ~/.ergoscope/server)")
        parser.add_argument("--no-page", action="store_true", help="serve the API without the page")

    def run(self, args: argparse.Namespace) -> int:
        """Serve until stopped."""
        try:
            settings = read_settings(
                os.environ,
                port=args.port,
                host=args.host,
                data_dir=args.data_dir,
                page=False if args.no_page else None,
            )
            return serve(settings)
        except (SettingsError, AddressError, StoreError, ValueError) as error:
            return complain(error)


def serve(settings: Settings) -> int:
    """Serve until a signal comes.

    Raises:
        AddressError: the address cannot be listened on.
        StoreError: the database cannot be opened.
    """
    if not settings.database_url:
        _make_writable(settings.directory)
    with listen(settings.host, settings.port) as listening:
        here = f"http://127.0.0.1:{listening.getsockname()[1]}"
        app = create_app(settings, Store(settings.store_url), server_url=here)
        server = Server(app, ready=lambda: welcome(settings, listening))
        server.run(sockets=[listening])
    return 0 if server.started else 1


def _make_writable(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe = directory / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(f"cannot write to {directory}: {reason}; choose another place with --data-dir") from error
