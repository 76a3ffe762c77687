"""ergoscope slice"""

import argparse
import math
import time
from collections.abc import Sequence
from typing import get_args

import msgspec

from ergoscope.cli.reading import age, declare_server, open_client, print_json, print_table
from ergoscope.client import Client
from ergoscope_contract.answers import Landscape
from ergoscope_contract.answers import Slice as Told
from ergoscope_contract.jsonable import plain_object
from ergoscope_contract.slices import Axes

EVERY_S = 1.0
SHOWN = 9  # offsets a side of a plane that fit a terminal


class Slice:
    """Ask a running job for a slice of the loss around its weights, and print it.

    Without --wait the job is only asked; --last prints what has come of it.
    """

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("reference", metavar="RUN", help="a run's id, or a name that only one run has")
        parser.add_argument("--last", action="store_true", help="ask for none; print the newest there is")
        parser.add_argument(
            "--axes",
            choices=get_args(Axes),
            default="hessian",
            help="the steepest directions (default), the last update and the gradient, or random ones",
        )
        parser.add_argument("--2d", action="store_true", dest="plane", help="a plane instead of a line")
        parser.add_argument("--points", type=int, default=21, help="offsets a side, odd, 5 to 41 (default: 21)")
        parser.add_argument("--extent", type=float, help="half the width in weight norm (default: the agent's choice)")
        parser.add_argument("--share", type=float, help="of the step time, to spend on it (default: the run's budget)")
        parser.add_argument("--wait", action="store_true", help="until it is measured or refused")
        declare_server(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Ask, wait where told to, and print; 1 when it was refused."""
        client = open_client(args)
        run = client.find(args.reference).id
        identity = "" if args.last else client.ask_slice(run, _choices(args)).id
        told = _find(client, run, identity)
        while args.wait and told is not None and told.state in ("open", "measuring"):
            time.sleep(EVERY_S)
            told = _find(client, run, told.id)
        if args.json:
            print_json(None if told is None else plain_object(msgspec.to_builtins(told)))
        elif told is None:
            print(f"nobody has asked for a slice of run {run}; `ergoscope slice {run}` does")
        else:
            _print(told, run)
        return 1 if told is not None and told.state == "refused" else 0


def _choices(args: argparse.Namespace) -> dict[str, object]:
    dimensions = 2 if args.plane else 1
    return {
        "axes": args.axes,
        "dimensions": dimensions,
        "points": args.points,
        "extent": args.extent,
        "share": args.share,
    }


def _find(client: Client, run: str, identity: str) -> Told | None:
    """Give a slice by its id, or the newest."""
    return next((told for told in client.slices(run) if identity in ("", told.id)), None)


def _print(told: Told, run: str) -> None:
    if told.state == "refused":
        print(f"slice {told.id} was not measured: {told.reason}")
        return
    shown = told.landscape
    if shown is None:
        print(f"slice {told.id} was asked for {age(told.asked)}; the job has not begun with it")
        print(f"`ergoscope slice {run} --last` shows what has come of it")
        return
    print(_headline(told, shown))
    if len(shown.offsets) == 1:
        _print_line(shown)
    else:
        _print_plane(shown)


def _headline(told: Told, shown: Landscape) -> str:
    misfit = "no prediction to compare it with" if not shown.predicted else "flat"
    if shown.misfit is not None:
        misfit = f"{100 * shown.misfit:.2g} % off the parabola"
    if told.state == "measuring":
        measured = sum(not math.isnan(value) for value in shown.values)
        misfit = f"{measured} of {len(shown.values)} measured"
    where = f"step {shown.step}, along {' and '.join(shown.axes)}"
    return f"{where}: {misfit}" + "".join(f"; {text}" for text in (shown.mode, shown.how) if text)


def _print_line(shown: Landscape) -> None:
    """Print a row an offset: where, in updates where their length is known, the loss, and what was predicted."""
    distances = [offset * shown.scales[0] for offset in shown.offsets[0]]
    columns: dict[str, Sequence[float]] = {"weight norm": distances}
    if shown.update:
        columns["in updates"] = [distance / shown.update for distance in distances]
    columns["loss"] = shown.values
    if shown.running:
        columns["running statistics"] = shown.running
    if shown.predicted:
        columns["parabola"] = shown.predicted
    rows = [[f"{value:.6g}" for value in row] for row in zip(*columns.values(), strict=True)]
    print_table(list(columns), rows, empty="")


def _print_plane(shown: Landscape) -> None:
    """Print the loss, a row an offset of the first axis; of many offsets those around the centre, evenly."""
    down, across = (_thinned(len(axis)) for axis in shown.offsets)
    width = len(shown.offsets[1])
    columns = [f"{shown.offsets[1][j] * shown.scales[1]:.3g}" for j in across]
    rows = [
        [f"{shown.offsets[0][i] * shown.scales[0]:.3g}", *(f"{shown.values[i * width + j]:.4g}" for j in across)]
        for i in down
    ]
    print_table(["weight norm", *columns], rows, empty="")


def _thinned(points: int) -> range:
    """Give every n-th of an odd number of places, the middle one among them, at most SHOWN.

    Example:
        >>> list(_thinned(7)), list(_thinned(21))
        ([0, 1, 2, 3, 4, 5, 6], [1, 4, 7, 10, 13, 16, 19])
    """
    middle = points // 2
    stride = max(1, -(-middle // (SHOWN // 2)))
    return range(middle % stride, points, stride)
