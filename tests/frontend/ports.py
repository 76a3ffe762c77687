"""A port nobody listens on."""

import socket


def free_port() -> int:
    """Ask the system for a free port of the loopback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
