"""ergoscope export"""

import argparse
import sys
from pathlib import Path

from ergoscope.cli.reading import declare_address, open_client
from ergoscope.errors import SettingError
from ergoscope.keeping import FORMATS, Keeper, kind_of


class Export:
    """Write everything that was logged of a run to a file: a row a point, at full resolution.

    The columns are metric, attempt, rank, step and value. Parquet needs pyarrow at the server.
    """

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("reference", metavar="RUN", help="a run's id, or a name that only one run has")
        parser.add_argument("metrics", metavar="METRIC", nargs="*", help="metrics; * stands for any (default: all)")
        parser.add_argument("--format", choices=FORMATS, dest="kind", help="default: as the file is called, else csv")
        parser.add_argument("--to", metavar="FILE", type=Path, help="default: print it")
        parser.add_argument("--rank", type=int, help="one process of a distributed job (default: each)")
        declare_address(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Write it."""
        kind = args.kind or (kind_of(args.to) if args.to else "csv")
        if kind == "parquet" and args.to is None:
            raise SettingError("Parquet is no text to print; say where to write it with --to FILE")
        client = open_client(args)
        identity = client.find(args.reference).id
        if args.to is None:
            Keeper(client).write(identity, sys.stdout.buffer, kind=kind, metrics=args.metrics, rank=args.rank)
        else:
            Keeper(client).export(identity, args.to, kind=kind, metrics=args.metrics, rank=args.rank)
            print(f"run {identity} is in {args.to} ({args.to.stat().st_size:,} bytes)")
        return 0
