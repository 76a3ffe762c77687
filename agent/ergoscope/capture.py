"""What a job says of itself without being asked: never the values of environment variables."""

import os
import platform
import re
import socket
import sys
from collections.abc import Mapping, Sequence

from ergoscope_contract.records import JsonObject

_SECRET = re.compile(r"key|token|secret|passw|credential|auth", re.IGNORECASE)
HIDDEN = "(hidden)"


def describe_system(argv: Sequence[str]) -> JsonObject:
    """Say what runs, and on what."""
    torch = sys.modules.get("torch")
    facts: JsonObject = {
        "command": hide_secrets(argv),
        "script": argv[0] if argv else "",
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count() or 0,
    }
    if torch is not None:
        facts["torch"] = str(getattr(torch, "__version__", ""))
    return facts


def hide_secrets(argv: Sequence[str]) -> list[str]:
    """Replace the values of options that are named like secrets.

    Example:
        >>> hide_secrets(["train.py", "--api-key=x", "--token", "y", "--lr", "0.1"])
        ['train.py', '--api-key=(hidden)', '--token', '(hidden)', '--lr', '0.1']
    """
    shown: list[str] = []
    secret = False
    for word in argv:
        name, given, _ = word.partition("=")
        if secret and not word.startswith("-"):
            shown.append(HIDDEN)
            secret = False
        elif _SECRET.search(name) and given:
            shown.append(f"{name}={HIDDEN}")
            secret = False
        else:
            shown.append(word)
            secret = word.startswith("-") and _SECRET.search(word) is not None
    return shown


def hostname() -> str:
    """Give the machine's name."""
    return socket.gethostname()


def rank(environment: Mapping[str, str]) -> tuple[int, int]:
    """Give this process's rank and how many there are, as torchrun says it; (0, 1) when nothing does."""
    try:
        number, world = int(environment.get("RANK", "0")), int(environment.get("WORLD_SIZE", "1"))
    except ValueError:
        return 0, 1
    return (number, world) if 0 <= number < world else (0, 1)
