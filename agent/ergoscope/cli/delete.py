"""ergoscope delete"""

import argparse
import sys

from ergoscope.cli.reading import declare_address, open_client
from ergoscope.errors import SettingError
from ergoscope.keeping import Keeper


class Delete:
    """Delete a run with everything that a server has of it. There is no way back.

    A job that still sends to it goes on, and what it sends is dropped.
    """

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("reference", metavar="RUN", help="a run's id, or a name that only one run has")
        parser.add_argument("--yes", action="store_true", help="do not ask whether it is meant")
        declare_address(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Ask, and delete; 1 when it was not meant."""
        client = open_client(args)
        run = client.find(args.reference)
        named = f"{run.id} ({run.name}, project {run.project})"
        if not args.yes and not _meant(named):
            print("nothing is deleted")
            return 1
        Keeper(client).delete(run.id)
        print(f"run {named} is deleted")
        return 0


def _meant(named: str) -> bool:
    if not sys.stdin.isatty():
        raise SettingError("nobody can be asked here whether the run is to be deleted; say so with --yes")
    return input(f"Delete run {named} with everything that was kept of it? There is no way back. [y/N] ") in ("y", "Y")
