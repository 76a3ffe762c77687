"""The token for a server: what was given, else the environment's, else the one of a file that only its owner may read.

The file is ~/.ergoscope/netrc, in the form of .netrc, with a line for each server:

    machine ergoscope.example.org password TOKEN

What stands there for one server is never sent to another. A server on a port of its own is HOST:PORT.
"""

import netrc
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from ergoscope.errors import SettingError

KEY = "ERGOSCOPE_API_KEY"
FILE = Path("~/.ergoscope/netrc")


def find_token(url: str, given: str | None = None, *, environment: Mapping[str, str] = os.environ) -> str:
    """Give the token for a server; empty where there is none.

    Args:
        url: The server's address.
        given: What code gives; wins over the others, also when empty. None stands for "not given".
        environment: Names and texts.

    Raises:
        SettingError: the file can be read by others, or cannot be understood.
    """
    if given is not None:
        return given
    return environment.get(KEY) or _kept(url, FILE.expanduser())


def _kept(url: str, path: Path) -> str:
    try:
        mode = path.stat().st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SettingError(
                f"{path} holds tokens, and others may read it (its mode is {stat.S_IMODE(mode):o}); chmod 600 {path}"
            )
        hosts = netrc.netrc(str(path)).hosts
    except netrc.NetrcParseError:  # whose text may hold a token
        raise SettingError(f"{path} cannot be understood; a line is: machine HOST password TOKEN") from None
    except OSError:  # it is not there, or is another user's
        return ""
    address = urlsplit(url)
    entry = hosts.get(address.netloc) or hosts.get(address.hostname or "")
    return str(entry[2] or "") if entry else ""
