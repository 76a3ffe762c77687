"""A port of its own for the figures of one process, where Prometheus could not reach it apart from others else."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import start_http_server

from ergoscope_server.gauges import Gauges
from ergoscope_server.serving import AddressError

log = logging.getLogger(__name__)


@contextmanager
def giving_figures(gauges: Gauges, host: str, port: int, *, must: bool = True) -> Iterator[None]:
    """Answer every GET on a port with the figures, from a thread of its own; nobody is asked who they are.

    Args:
        gauges: The figures.
        host: Address to listen on.
        port: Where; 0 does nothing.
        must: Whether it is an error that the address cannot be listened on; else it is a line of the log.

    Raises:
        AddressError: it must be and cannot.
    """
    if not port:
        yield
        return
    try:
        server, thread = start_http_server(port, host, registry=gauges)
    except OSError as error:
        text = (
            f"cannot give figures on {host}:{port}: {error.strerror or error}; choose another port with "
            "ERGOSCOPE_METRICS_PORT, or 0 for none"
        )
        if must:
            raise AddressError(text) from error
        log.error("%s", text)  # who serves or works is more than who is counted
        yield
        return
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
