"""ergoscope status"""

import argparse
import os
from pathlib import Path

from ergoscope.cli.reading import print_json, print_table
from ergoscope.manifest import spool_folders
from ergoscope.settings import Settings
from ergoscope.sidecar.settling import Standing, standing


class Status:
    """Show the spools on this machine and what of them the server does not have yet."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("folder", metavar="DIR", nargs="?", type=Path, help="where to look (default ERGOSCOPE_DIR)")
        parser.add_argument("--json", action="store_true", help="print JSON for scripts")

    def run(self, args: argparse.Namespace) -> int:
        """Print them."""
        root = args.folder or Settings.read(os.environ).folder
        found = [standing(folder) for folder in spool_folders(root)]
        if args.json:
            print_json(
                [
                    {
                        "run": s.manifest.run.id,
                        "name": s.manifest.run.name,
                        "attempt": s.manifest.attempt.number,
                        "rank": s.manifest.attempt.rank,
                        "mode": s.manifest.mode,
                        "life": s.life,
                        "undelivered": s.batches,
                        "bytes": s.size,
                        "refused": s.refused,
                        "sending": s.sending,
                        "folder": str(s.folder),
                    }
                    for s in found
                ]
            )
            return 0
        rows = [_row(s) for s in found]
        columns = ["run", "name", "job", "mode", "undelivered", "refused", "being sent", "folder"]
        print_table(columns, rows, empty=f"no spools in {root}: everything was delivered")
        return 0


def _row(s: Standing) -> list[str]:
    run = s.manifest.run
    owed = f"{s.batches} ({_size(s.size)})"
    return [
        run.id,
        run.name,
        s.life,
        s.manifest.mode,
        owed,
        str(s.refused),
        "yes" if s.sending else "no",
        str(s.folder),
    ]


def _size(count: int) -> str:
    return f"{count / 1024:.0f} KiB" if count < 1 << 20 else f"{count / (1 << 20):.1f} MiB"
