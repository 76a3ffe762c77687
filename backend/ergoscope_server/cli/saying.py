"""What the commands say to whoever started them."""

import getpass
import os
import socket
import sys

from ergoscope_server.cli.reach import from_elsewhere
from ergoscope_server.settings import Settings


def welcome(settings: Settings, listening: socket.socket) -> None:
    """Say where the service is, and what that means."""
    host, port = settings.host, listening.getsockname()[1]
    print(f"ergoscope is at {from_elsewhere(settings, port)}", flush=True)
    if settings.open_to_all and not settings.local:
        print(f"warning: whoever can reach {host}:{port} can read and write all runs", flush=True)


def complain(error: Exception) -> int:
    """Say in one line why it cannot be done; give the exit status."""
    print(f"ergoscope: {error}", file=sys.stderr)
    return 1


def moment(then: float, now: float) -> str:
    """Say how long ago a time was, or in how long it will be; never for 0.

    Example:
        >>> moment(0, 90), moment(30, 90), moment(90, 90), moment(7290, 90)
        ('never', '1 min ago', '0 s ago', 'in 2 h')
    """
    if not then:
        return "never"
    return f"in {_span(then - now)}" if then > now else f"{_span(now - then)} ago"


def _span(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def typist() -> str:
    """Name whoever types a command, as the log of changes has it."""
    try:
        return f"{getpass.getuser()} on the service's machine"
    except (KeyError, OSError):  # a container's user may have no name
        return f"user {os.getuid()} on the service's machine"
