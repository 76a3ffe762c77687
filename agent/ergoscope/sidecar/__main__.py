"""python -m ergoscope.sidecar FOLDER: the process that the agent starts beside a job."""

import contextlib
import logging
import os
import signal
import sys
from pathlib import Path

from ergoscope.credentials import find_token
from ergoscope.errors import ErgoscopeError
from ergoscope.manifest import Manifest
from ergoscope.sidecar.delivery import HttpDelivery
from ergoscope.sidecar.life import Sidecar
from ergoscope.sidecar.lock import WRITER, FileLock
from ergoscope.stream.ring import Ring, Word

NICENESS = 5  # the job comes first


def main(arguments: list[str]) -> int:
    """Serve one spool's folder; give the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    folder = Path(arguments[0])
    lock = FileLock(folder / WRITER)
    if not lock.acquire():
        logging.error("another process writes %s", folder)
        return 1
    try:
        manifest = Manifest.read(folder)
        ring = Ring.open(Path(manifest.ring))
    except ErgoscopeError as error:
        logging.error("%s", error)
        return 1
    delivery = HttpDelivery(manifest.base_url, api_key=_key(manifest)) if manifest.mode == "online" else None
    sidecar = Sidecar(folder, manifest, ring, delivery)
    signal.signal(signal.SIGTERM, lambda *_: sidecar.stop())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ring.words[Word.READER_PID] = os.getpid()  # only now, since whoever reads it may send a signal there
    sidecar.run()
    return 0


def _key(manifest: Manifest) -> str:
    """Give the server's token; without a file that can be used the job's numbers are kept all the same."""
    try:
        return find_token(manifest.base_url)
    except ErgoscopeError as error:
        logging.error("%s", error)
        return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
