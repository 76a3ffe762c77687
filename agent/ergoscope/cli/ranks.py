"""ergoscope ranks"""

import argparse

import msgspec

from ergoscope.cli.reading import age, declare_server, open_client, print_json, print_table
from ergoscope_contract.answers import RankSummary


class Ranks:
    """List the processes of a run: the last step of each, and which is silent or behind."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("reference", metavar="RUN", help="a run's id or name")
        declare_server(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Print them."""
        client = open_client(args)
        run = client.find(args.reference).id
        if args.json:
            print_json(msgspec.to_builtins(client.ranks(run)))
            return 0
        rows = [
            [
                named(rank),
                rank.host,
                "lags" if rank.lags and rank.status == "running" else rank.status,
                "-" if rank.last_step is None else str(rank.last_step),
                "-" if rank.behind is None else str(rank.behind),
                str(rank.lost),
                age(rank.last_seen) if rank.last_seen else "-",
            ]
            for rank in client.ranks(run)
        ]
        columns = ["rank", "host", "status", "step", "behind", "lost", "last seen"]
        print_table(columns, rows, empty=f"run {run} has no ranks yet")
        return 0


def named(rank: RankSummary) -> str:
    """Give a rank's number, or those of several that were never seen.

    Example:
        >>> named(RankSummary(1, 7, "never seen", 0.0, upto=3))
        '1-3'
    """
    return str(rank.rank) if rank.upto is None else f"{rank.rank}-{rank.upto}"
