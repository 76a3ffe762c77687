"""ergoscope archive"""

import argparse

from ergoscope.addresses import path_of
from ergoscope.cli.reading import declare_address, open_client


class Archive:
    """Set a run aside: it is not listed unless asked for, and reads as before.

    `ergoscope runs --archived` lists what is set aside. A new attempt of a run brings it back.
    """

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("reference", metavar="RUN", help="a run's id, or a name that only one listed run has")
        parser.add_argument("--restore", action="store_true", help="take it back instead")
        declare_address(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Set it aside or take it back, and say so."""
        client = open_client(args)
        run = client.find(args.reference)
        path = path_of(run.id, "archive")
        if args.restore:
            client.delete(path)
        else:
            client.put(path, None)
        print(f"run {run.id} ({run.name}) is {'listed again' if args.restore else 'set aside'}")
        return 0
