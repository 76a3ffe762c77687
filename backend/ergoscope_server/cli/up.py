"""`ergoscope up`: service and page in one process."""

import argparse
from contextlib import closing
from pathlib import Path

from ergoscope_server.app import create_app
from ergoscope_server.cli.options import declare, settings_of
from ergoscope_server.cli.reach import from_elsewhere, from_here
from ergoscope_server.cli.saying import complain, welcome
from ergoscope_server.gauges import Gauges
from ergoscope_server.logs import set_up
from ergoscope_server.opening import check_guarded
from ergoscope_server.scraping import giving_figures
from ergoscope_server.serving import AddressError, Server, listen, settle
from ergoscope_server.settings import Settings, SettingsError
from ergoscope_server.store.errors import StoreError
from ergoscope_server.store.store import Store


class Up:
    """Start the service and its page on this machine; stop it with Ctrl-C."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        declare(parser)
        parser.add_argument("--data-dir", type=Path, help="where the database lies (default ~/.ergoscope/server)")

    def run(self, args: argparse.Namespace) -> int:
        """Serve until stopped."""
        try:
            settings = settings_of(args, data_dir=args.data_dir)
            return serve(settings)
        except (SettingsError, AddressError, StoreError, ValueError) as error:
            return complain(error)


def serve(settings: Settings) -> int:
    """Serve until a signal comes.

    Raises:
        AddressError: the address cannot be listened on.
        SettingsError: others can reach it, and it knows nobody to let in.
        StoreError: the database cannot be opened.
    """
    if not settings.database_url:
        _make_writable(settings.directory)
    with (
        listen(settings.host, settings.port) as listening,
        closing(Store(settings.store_url, most_runs=settings.project_runs)) as store,
    ):
        check_guarded(settings, store)
        set_up(settings.log_format, settings.log_level)
        port, gauges = listening.getsockname()[1], Gauges()
        here, address = from_here(settings.host, port), from_elsewhere(settings, port)
        app = create_app(settings, store, server_url=here, address=address, gauges=gauges)
        server = Server(app, ready=lambda: welcome(settings, listening))
        settle()
        with giving_figures(gauges, settings.host, settings.metrics_port):
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
