"""`ergoscope serve`: the API and the page, in any number of processes; the work is done by `ergoscope work`."""

import argparse
import socket
from contextlib import closing

from ergoscope_server.app import create_app
from ergoscope_server.cli.options import declare, settings_of
from ergoscope_server.cli.processes import Processes
from ergoscope_server.cli.reach import from_here
from ergoscope_server.cli.saying import complain, welcome
from ergoscope_server.gauges import Gauges
from ergoscope_server.logs import set_up
from ergoscope_server.opening import check_guarded, check_shared, open_provider
from ergoscope_server.scraping import giving_figures
from ergoscope_server.serving import AddressError, Server, listen, settle
from ergoscope_server.settings import Settings, SettingsError
from ergoscope_server.store.errors import StoreError
from ergoscope_server.store.store import Store


class Serve:
    """Serve the API and the page, on PostgreSQL and Redis; `ergoscope work` does the work beside it."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        declare(parser)
        parser.add_argument("--workers", type=int, help="processes that share the port (default 1)")

    def run(self, args: argparse.Namespace) -> int:
        """Serve until stopped."""
        try:
            settings = settings_of(args, workers=args.workers)
            check_shared(settings, "ergoscope serve")
            open_provider(settings)  # which each process does for itself, or would die without a word
            with closing(Store(settings.store_url)) as store:  # brings the schema up to date, or says why it cannot
                check_guarded(settings, store)
            with listen(settings.host, settings.port) as listening:
                welcome(settings, listening)
                return Processes(serve, (settings, listening), count=settings.workers).run()
        except (SettingsError, AddressError, StoreError, ValueError) as error:
            return complain(error)


def serve(settings: Settings, listening: socket.socket, number: int) -> None:
    """Be one of the processes: serve on a socket that all share, until a signal comes.

    Args:
        settings: How.
        listening: The socket.
        number: Of the process among them, from 0.
    """
    set_up(settings.log_format, settings.log_level)
    here = from_here(settings.host, listening.getsockname()[1])
    gauges = Gauges(process=str(number) if settings.workers > 1 else "")
    app = create_app(settings, server_url=here, works=False, gauges=gauges)
    port = settings.metrics_port + number if settings.metrics_port else 0
    settle()
    with giving_figures(gauges, settings.host, port, must=False):
        Server(app, ready=lambda: None).run(sockets=[listening])
