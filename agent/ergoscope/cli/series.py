"""ergoscope series"""

import argparse

from ergoscope.cli.reading import declare_server, open_client, print_json, print_table
from ergoscope.client import Line
from ergoscope.errors import UnknownRunError


class Series:
    """Print series of a run at full resolution."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("reference", metavar="RUN", help="a run's id, or a name that only one run has")
        parser.add_argument("metrics", metavar="METRIC", nargs="*", help="metrics; * stands for any characters")
        parser.add_argument("--rank", type=int, help="one process of a distributed job (default: all as one)")
        parser.add_argument("--own", action="store_true", help="of a fork only what it logged itself")
        declare_server(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Print them; without METRIC, the metrics that there are."""
        client = open_client(args)
        identity = client.find(args.reference).id
        if not args.metrics:
            heads = client.metrics(identity)
            if args.json:
                print_json([head.key for head in heads])
            else:
                rows = [[head.key, str(head.points), str(head.last_step), str(head.last_value)] for head in heads]
                print_table(["metric", "points", "last step", "last value"], rows, empty="no metrics yet")
            return 0
        lines = client.series(identity, args.metrics, rank=args.rank, own=args.own)
        missing = _missing(args.metrics, lines)
        if args.json:
            empty = [Line(metric=name, steps=[], values=[]) for name in missing]
            print_json([{"metric": x.metric, "steps": x.steps, "values": x.values} for x in [*lines, *empty]])
            return 0
        if missing:
            raise UnknownRunError(
                f"run {identity} has no metric {missing[0]!r}; `ergoscope series {identity}` lists its metrics"
            )
        rows = [[x.metric, str(step), str(v)] for x in lines for step, v in zip(x.steps, x.values, strict=True)]
        print_table(["metric", "step", "value"], rows, empty="no points yet")
        return 0


def _missing(asked: list[str], lines: list[Line]) -> list[str]:
    """Give what was asked for by its full name and is not there."""
    there = {line.metric for line in lines}
    return [name for name in asked if "*" not in name and name not in there]
