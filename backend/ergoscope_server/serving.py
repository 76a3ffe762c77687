"""Runs the application on a socket until it is told to stop, and then stops soon."""

import errno
import gc
import socket
import sys
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

STOP_WITHIN_S = 2
TURN_S = 0.0005


class AddressError(RuntimeError):
    """The address cannot be listened on; the text says why and what to do."""


class Server(uvicorn.Server):
    """A uvicorn server that says when it is ready, and ends open streams as soon as it is asked to stop."""

    def __init__(self, app: FastAPI, *, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app, log_config=None, access_log=False, timeout_graceful_shutdown=STOP_WITHIN_S, lifespan="on"
            )
        )
        self._app = app
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and tell."""
        await super().startup(sockets)
        if self.started and not self.should_exit:
            self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 (uvicorn's signature)
        """Stop on a signal; at the second one without waiting for anybody.

        The signal is not raised again afterwards, as uvicorn would: a stop that was asked for is no failure.
        """
        self.force_exit = self.should_exit
        self.stop()

    def stop(self) -> None:
        """End the streams and stop serving."""
        service = getattr(self._app.state, "service", None)
        if service is not None:
            service.stopping.set()
        self.should_exit = True


def settle() -> None:
    """Prepare a process that is about to serve, so that no batch waits long for whatever else the process does.

    Each waits for the database several times, and each time then for whichever thread folds or judges to end its turn:
    with Python's own 5 ms that came to a tenth of a second. And looking through all that is there from the start, the
    modules of the page above all, for what nobody needs any more stops everybody as long.
    """
    sys.setswitchinterval(TURN_S)
    gc.collect()
    gc.freeze()


def listen(host: str, port: int) -> socket.socket:
    """Give a socket that listens on an address.

    Raises:
        AddressError: the port is taken, or the address is not this machine's, or may not be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named so that asyncio turns off Nagle's algorithm; else each answer takes 40 ms longer.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(2048)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            text = f"port {port} of {host} is in use, perhaps by another ergoscope; choose another with --port"
        else:
            text = f"cannot listen on {host}:{port}: {error.strerror or error}; choose another with --host and --port"
        raise AddressError(text) from error
    return listening
