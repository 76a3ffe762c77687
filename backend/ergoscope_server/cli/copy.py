"""`ergoscope copy`: from one database into another, for those who outgrow the first."""

import argparse
import sys
import time
from contextlib import closing

from ergoscope_server.cli.saying import complain
from ergoscope_server.copying import Copied, Progress, copy
from ergoscope_server.store.errors import StoreError
from ergoscope_server.store.transfer import Transfer

SHOWN = 5  # runs that are named


class Copy:
    """Copy all runs of one database into another, such as from SQLite to PostgreSQL; run it again to go on."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--from", dest="source", metavar="URL", required=True, help="sqlite:///PATH or postgresql://HOST/NAME"
        )
        parser.add_argument("--to", dest="target", metavar="URL", required=True, help="where to; no service may use it")

    def run(self, args: argparse.Namespace) -> int:
        """Copy, and say what was; 1 when the target does not have all."""
        progress = Progress(_say, clock=time.monotonic)
        try:
            with closing(Transfer(args.source, args.target, clock=time.time, wrote=progress.wrote)) as transfer:
                done = copy(transfer, progress)
        except StoreError as error:
            return complain(error)
        except KeyboardInterrupt:
            _say("stopped; run the same command again to go on")
            return 130
        for line in described(done):
            print(line, flush=True)
        return 0 if done.whole else 1


def described(done: Copied) -> list[str]:
    """Say in lines what was copied, and what is left to do.

    Example:
        >>> described(Copied(copied=2, rows=70))
        ['2 runs copied and checked (70 rows), 0 were the same already']
    """
    lines = [f"{done.copied} runs copied and checked ({done.rows:,} rows), {done.same} were the same already"]
    if done.live:
        named = _named([f"{run} (batch {cursor:,})" for run, cursor in done.live.items()])
        lines.append(f"not ended, and copied up to a point: {named}; run the same command again to go on")
    if done.late:
        lines.append(f"runs that began meanwhile: {done.late}; run the same command again for them")
    if done.kept:
        named = _named([f"{run} ({reason})" for run, reason in done.kept.items()])
        lines.append(f"left as they are in the target: {named}")
    return lines


def _named(items: list[str]) -> str:
    more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return ", ".join(items[:SHOWN]) + more


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
