"""ergoscope share"""

import argparse
import time

import msgspec

from ergoscope.cli.reading import age, declare_server, open_client, print_json, print_table
from ergoscope.errors import SettingError
from ergoscope.keeping import DAYS, Keeper
from ergoscope_contract.answers import RunSummary

DAY_S = 86_400


class Share:
    """Make a link by which whoever has it reads one run and nothing else, without an account.

    A link is told once. --list shows who made which and when they expire, --revoke takes one back.
    """

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("reference", metavar="RUN", help="a run's id, or a name that only one run has")
        parser.add_argument("--days", type=float, help=f"after which it expires, at most 365 (default: {DAYS:g})")
        parser.add_argument("--list", action="store_true", help="make none; list those that have not expired")
        parser.add_argument("--revoke", metavar="ID", help="make none; take this one back")
        declare_server(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Make one, list them, or take one back."""
        if (args.list, args.revoke is not None, args.days is not None).count(True) > 1:
            raise SettingError("--list, --revoke and --days say different things; give one of them")
        client = open_client(args)
        run, keeper = client.find(args.reference), Keeper(client)
        if args.revoke is not None:
            keeper.revoke_share(run.id, args.revoke)
            if args.json:
                print_json({"id": args.revoke, "run": run.id})
            else:
                print(f"link {args.revoke} to run {run.id} ({run.name}) opens nothing any more")
        elif args.list:
            _list(keeper, run, as_json=args.json)
        else:
            _make(keeper, run, DAYS if args.days is None else args.days, as_json=args.json)
        return 0


def _make(keeper: Keeper, run: RunSummary, days: float, *, as_json: bool) -> None:
    made = keeper.share(run.id, days=days)
    if as_json:
        print_json({**msgspec.to_builtins(made), "url": keeper.link(made)})
        return
    print(keeper.link(made))
    print(f"opens run {run.id} ({run.name}) for {days:g} days to whoever has it; it is not shown again")
    print(f"`ergoscope share {run.id} --revoke {made.id}` takes it back")


def _list(keeper: Keeper, run: RunSummary, *, as_json: bool) -> None:
    found = keeper.shares(run.id)
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    now = time.time()
    rows = [[one.id, one.who, age(one.created), f"in {left(one.expires - now)}"] for one in found]
    print_table(["id", "made by", "made", "expires"], rows, empty=f"no link to run {run.id} ({run.name}) is open")


def left(seconds: float) -> str:
    """Say how long something still lasts, to the hour.

    Example:
        >>> left(3 * DAY_S + 1), left(5 * 3600), left(60)
        ('3 d', '5 h', 'less than an hour')
    """
    if seconds >= DAY_S:
        return f"{seconds / DAY_S:.0f} d"
    return f"{seconds / 3600:.0f} h" if seconds >= 3600 else "less than an hour"
