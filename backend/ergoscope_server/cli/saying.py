"""What the commands say to whoever started them."""

import socket
import sys

from ergoscope_server.settings import Settings


def welcome(settings: Settings, listening: socket.socket) -> None:
    """Say where the service is, and what that means."""
    host, port = settings.host, listening.getsockname()[1]
    print(f"ergoscope is at http://{f'[{host}]' if ':' in host else host}:{port}", flush=True)
    if not settings.local:
        print(f"warning: whoever can reach {host}:{port} can read and write all runs", flush=True)


def complain(error: Exception) -> int:
    """Say in one line why it cannot be done; give the exit status."""
    print(f"ergoscope: {error}", file=sys.stderr)
    return 1
