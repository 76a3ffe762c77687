"""What a spool's folder says of the attempt that it belongs to."""

from pathlib import Path
from typing import Literal

import msgspec

from ergoscope.capture import Source
from ergoscope.errors import SpoolError
from ergoscope_contract.records import Attempt, Run

FILE = "manifest.json"


class Manifest(msgspec.Struct, frozen=True):
    """Who the run is, which process makes it, where its ring is, and where its numbers go.

    The server's key is not here: it is never written to disk.
    """

    run: Run
    attempt: Attempt
    birth: int  # of the job's process, see `process.birth`
    ring: str
    mode: Literal["online", "offline"]
    base_url: str
    give_up_s: float
    keep_spool: bool
    source: Source | None = None  # where the sidecar finds out what the job runs on; None: it need not

    def write(self, folder: Path) -> None:
        """Write it whole or not at all."""
        draft = folder / (FILE + ".new")
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(self)))
        draft.replace(folder / FILE)

    @staticmethod
    def read(folder: Path) -> "Manifest":
        """Read a folder's manifest.

        Raises:
            SpoolError: there is none, or it cannot be read.
        """
        try:
            return msgspec.json.decode((folder / FILE).read_bytes(), type=Manifest)
        except (OSError, msgspec.MsgspecError) as error:
            raise SpoolError(f"{folder} is not a spool: its {FILE} cannot be read ({error})") from None


def attempt_folder(root: Path, run: str, attempt: Attempt) -> Path:
    """Name the folder of an attempt's spool."""
    return root / "spool" / run / f"{attempt.number}-{attempt.rank}"


def spool_folders(root: Path) -> list[Path]:
    """Find every spool below a folder, oldest first; the folder itself may be one."""
    found = [path.parent for path in root.rglob(FILE)]
    return sorted(found, key=lambda folder: (folder.name, str(folder)))
