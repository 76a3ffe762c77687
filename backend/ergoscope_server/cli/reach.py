"""Where a service is reached that listens on an address, which may stand for all of a machine's."""

import socket

from ergoscope_server.settings import EVERY_ADDRESS, Settings

# Addresses of documentation, which nothing has: they are only asked which of this machine's would be used to go there.
_ELSEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


def from_here(host: str, port: int) -> str:
    """Give the address at which processes of this machine reach it.

    Example:
        >>> from_here("0.0.0.0", 7117), from_here("::", 7117), from_here("10.0.0.7", 7117)
        ('http://127.0.0.1:7117', 'http://[::1]:7117', 'http://10.0.0.7:7117')
    """
    if host in EVERY_ADDRESS:
        host = "::1" if ":" in host else "127.0.0.1"
    return f"http://{_written(host)}:{port}"


def from_elsewhere(settings: Settings, port: int) -> str:
    """Give the address at which others reach it; on loopback that of this machine."""
    if settings.local:
        return from_here(settings.host, port)
    if settings.public_urls:  # it answers to no other name of theirs
        return settings.public_urls[0]
    host = settings.host if settings.host not in EVERY_ADDRESS else _machine()
    return f"http://{_written(host)}:{port}"


def _machine() -> str:
    """Give the address of this machine that others see; its name where it has no way to anywhere."""
    for family, address in _ELSEWHERE:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((address, 9))  # sends nothing
                return str(probe.getsockname()[0])
        except OSError:
            continue
    return socket.gethostname()


def _written(host: str) -> str:
    return f"[{host}]" if ":" in host else host
