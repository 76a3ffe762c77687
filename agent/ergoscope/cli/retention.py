"""ergoscope retention"""

import argparse

import msgspec

from ergoscope.cli.reading import declare_server, open_client, print_json, print_table
from ergoscope.errors import SettingError
from ergoscope.keeping import Keeper
from ergoscope_contract.answers import Retention as Policy


class Retention:
    """Say how long projects keep every point; without PROJECT, list those that do not keep all for ever.

    Of points that are older one in 64 is left, with all lows, highs, means and counts, so that charts stay right.
    """

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("project", metavar="PROJECT", nargs="?", help="whose runs")
        parser.add_argument("--days", type=float, help="keep every point for so many days")
        parser.add_argument("--ended", action="store_true", help="thin only runs of which nothing came for so long")
        parser.add_argument("--everything", action="store_true", help="keep every point from now on")
        declare_server(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Set it where told to, and say how it is."""
        if args.days is not None and args.everything:
            raise SettingError("--days and --everything say different things; give one of them")
        if args.project is None and (args.days is not None or args.everything):
            raise SettingError("nothing is set for all projects at once; name the project")
        keeper = Keeper(open_client(args))
        if args.days is not None:
            keeper.keep(Policy(args.project, args.days, args.ended))
        elif args.everything:
            keeper.keep_everything(args.project)
        found = keeper.policies()
        chosen = [policy for policy in found if args.project in (None, policy.project)]
        if args.json:
            print_json(msgspec.to_builtins(chosen))
            return 0
        rows = [[p.project, f"{p.days:g}", "runs that are over" if p.ended else "all runs"] for p in chosen]
        every = "every project" if args.project is None else f"project {args.project}"
        print_table(["project", "days", "of"], rows, empty=f"{every} keeps every point")
        return 0
