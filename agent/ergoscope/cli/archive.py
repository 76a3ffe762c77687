"""ergoscope archive"""

import argparse

from ergoscope.cli.reading import declare_address, open_client
from ergoscope.keeping import Keeper


class Archive:
    """Set a run aside: it is not listed unless asked for, and reads as before.

    `ergoscope runs --archived` lists what is set aside. A new attempt of a run brings it back.
    """

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("reference", metavar="RUN", help="a run's id, or a name that only one run has")
        parser.add_argument("--restore", action="store_true", help="take it back instead")
        declare_address(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Set it aside or take it back, and say so."""
        client = open_client(args)
        run = client.find(args.reference)
        keeper = Keeper(client)
        if args.restore:
            keeper.unarchive(run.id)
        else:
            keeper.archive(run.id)
        print(f"run {run.id} ({run.name}) is {'listed again' if args.restore else 'set aside'}")
        return 0
