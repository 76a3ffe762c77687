"""ergoscope sync"""

import argparse
import os
import time
from pathlib import Path

from ergoscope.credentials import find_token
from ergoscope.errors import SpoolError
from ergoscope.manifest import Manifest, spool_folders
from ergoscope.settings import Settings
from ergoscope.sidecar.delivery import HttpDelivery
from ergoscope.sidecar.settling import settle

PATIENCE_S = 5.0


class Sync:
    """Deliver the spools that a server does not have yet, also those of jobs that still run."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("folder", metavar="DIR", nargs="?", type=Path, help="where to look (default ERGOSCOPE_DIR)")
        parser.add_argument(
            "--server", metavar="URL", help="where to (default: ERGOSCOPE_BASE_URL, else where each was meant to go)"
        )

    def run(self, args: argparse.Namespace) -> int:
        """Deliver, and say what became of each; 1 when something is left."""
        settings = Settings.read(os.environ)
        root = args.folder or settings.folder
        if args.folder and not args.folder.is_dir():
            raise SpoolError(
                f"{args.folder} is no folder; give one that holds spools, or nothing for {settings.folder}"
            )
        folders = spool_folders(root)
        if not folders:
            print(f"nothing to deliver in {root}")
        left = 0
        for folder in folders:
            manifest = Manifest.read(folder)
            url = args.server or os.environ.get("ERGOSCOPE_BASE_URL") or manifest.base_url
            delivery = HttpDelivery(url, api_key=find_token(url))
            said = settle(folder, delivery, patience_s=PATIENCE_S, clock=time.time, sleep=time.sleep)
            left += not said.startswith(("delivered", "left"))
            print(f"{manifest.run.name} ({manifest.run.id}): {said}")
        return 1 if left else 0
