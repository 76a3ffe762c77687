"""ergoscope export"""

import argparse
import sys
from pathlib import Path

from ergoscope.addresses import path_of
from ergoscope.cli.reading import declare_address, open_client
from ergoscope.client import Client, Parameters
from ergoscope.errors import SettingError

FORMATS = ("csv", "json", "parquet")


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
        suffix = args.to.suffix.lstrip(".") if args.to else ""
        kind = args.kind or (suffix if suffix in FORMATS else "csv")
        if kind == "parquet" and args.to is None:
            raise SettingError("Parquet is no text to print; say where to write it with --to FILE")
        client = open_client(args)
        identity = client.find(args.reference).id
        asked = [("format", kind), *(("metrics", name) for name in args.metrics)]
        asked += [("rank", str(args.rank))] if args.rank is not None else []
        path = path_of(identity, "export")
        if args.to is None:
            client.download(path, asked, sys.stdout.buffer)
        else:
            _write(client, path, asked, args.to)
            print(f"run {identity} is in {args.to} ({args.to.stat().st_size:,} bytes)")
        return 0


def _write(client: Client, path: str, asked: Parameters, to: Path) -> None:
    """Write beside the file first, so that one which broke off is not taken for a whole one."""
    part = to.with_name(to.name + ".part")
    try:
        with part.open("wb") as into:
            client.download(path, asked, into)
        part.replace(to)
    except OSError as error:
        if isinstance(error, ConnectionError):
            raise
        raise SettingError(f"{to} cannot be written: {error.strerror or error}; give another place with --to") from None
    finally:
        part.unlink(missing_ok=True)
