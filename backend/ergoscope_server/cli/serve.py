"""`ergoscope serve`: the API and the page, in any number of processes; the work is done by `ergoscope work`."""

import argparse
import os
import socket

from ergoscope_server.app import create_app
from ergoscope_server.cli.processes import Processes
from ergoscope_server.cli.saying import complain, welcome
from ergoscope_server.opening import check_shared
from ergoscope_server.serving import AddressError, Server, listen
from ergoscope_server.settings import Settings, SettingsError, read_settings
from ergoscope_server.store.errors import StoreError
from ergoscope_server.store.store import Store


class Serve:
    """Serve the API and the page, on PostgreSQL and Redis; `ergoscope work` does the work beside it."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--port", type=int, help="TCP port (default 7117; 0 takes a free one)")
        parser.add_argument("--host", help="address to listen on (default 127.0.0.1: this machine only)")
        parser.add_argument("--workers", type=int, help="processes that share the port (default 1)")
        parser.add_argument("--no-page", action="store_true", help="serve the API without the page")

    def run(self, args: argparse.Namespace) -> int:
        """Serve until stopped."""
        try:
            settings = read_settings(
                os.environ,
                port=args.port,
                host=args.host,
                workers=args.workers,
                page=False if args.no_page else None,
            )
            check_shared(settings, "ergoscope serve")
            Store(settings.store_url).close()  # brings the schema up to date, or says why it cannot
            with listen(settings.host, settings.port) as listening:
                welcome(settings, listening)
                return Processes(serve, (settings, listening), count=settings.workers).run()
        except (SettingsError, AddressError, StoreError, ValueError) as error:
            return complain(error)


def serve(settings: Settings, listening: socket.socket) -> None:
    """Be one of the processes: serve on a socket that all share, until a signal comes."""
    here = f"http://127.0.0.1:{listening.getsockname()[1]}"
    app = create_app(settings, server_url=here, works=False)
    Server(app, ready=lambda: None).run(sockets=[listening])
