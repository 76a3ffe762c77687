"""`ergoscope work`: folds the log and judges runs; any number of them share the runs."""

import argparse
import asyncio
import os
import signal

from ergoscope_server.alerts.notify import WebhookNotify, notifier
from ergoscope_server.cli.saying import complain
from ergoscope_server.environment import read_settings
from ergoscope_server.gauges import Gauges
from ergoscope_server.logs import set_up
from ergoscope_server.opening import check_shared, open_bus
from ergoscope_server.scraping import giving_figures
from ergoscope_server.settings import Settings, SettingsError
from ergoscope_server.store.errors import StoreError
from ergoscope_server.store.store import Store
from ergoscope_server.working import Worker, shared


class Work:
    """Fold, judge and alert beside `ergoscope serve`, on PostgreSQL and Redis; start as many as there is work for."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options: all are settings."""

    def run(self, args: argparse.Namespace) -> int:  # noqa: ARG002 (there are none)
        """Work until stopped."""
        try:
            settings = read_settings(os.environ)
            check_shared(settings, "ergoscope work")
            asyncio.run(work(settings))
        except (SettingsError, StoreError, ValueError) as error:
            return complain(error)
        return 0


async def work(settings: Settings) -> None:
    """Work until a signal comes.

    Raises:
        SettingsError: Redis' client is not installed.
        StoreError: the database cannot be opened.
        ValueError: the webhook's address is not one of HTTP.
    """
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    notify = notifier(settings.webhook_url, page=next(iter(settings.public_urls), f"http://127.0.0.1:{settings.port}"))
    store, bus, gauges = Store(settings.store_url), open_bus(settings), Gauges()
    set_up(settings.log_format, settings.log_level)
    worker = Worker(store, bus, notify, gauges=gauges, redis=shared(settings))
    gauges.look_first(lambda: gauges.redis.set(bus.connected))
    with giving_figures(gauges, settings.host, settings.metrics_port, must=False):
        watching = asyncio.create_task(worker.watch())
        print("ergoscope works", flush=True)
        await stopping.wait()
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    worker.close()
    bus.close()
    if isinstance(notify, WebhookNotify):
        await asyncio.to_thread(notify.close)
    store.close()
