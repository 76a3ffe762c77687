"""Where a server is, and where on it what belongs to a run."""

import os
from collections.abc import Mapping
from urllib.parse import quote


def server_url(given: str | None, environment: Mapping[str, str] = os.environ) -> str:
    """Say which server is meant: the one given, else the environment's, else the one on this machine."""
    return given or environment.get("ERGOSCOPE_BASE_URL") or "http://127.0.0.1:7117"


def path_of(run: str, *parts: str) -> str:
    """Give the path of a run, by its id, or of something of it.

    Example:
        >>> path_of("a/b", "slices", "1")
        '/runs/a%2Fb/slices/1'
    """
    return "/".join(["/runs", *(quote(part, safe="") for part in (run, *parts))])
