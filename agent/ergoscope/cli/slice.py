"""ergoscope slice"""

import argparse
import math
import sys
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
SHOWN = 7  # offsets a side of a plane that fit a terminal
_WAITED = ("open", "measuring")
_NOTHING = "no point is measured yet: the job looks for its directions first"
_SAME_LINE = "\r\x1b[K"  # back to its beginning, and cleared


class Slice:
    """Ask a running job for a slice of the loss around its weights, and print it.

    Without --wait the job is only asked; --last prints what has come of it, and --withdraw takes the question back.
    """

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("reference", metavar="RUN", help="a run's id, or a name that only one run has")
        parser.add_argument("--last", action="store_true", help="ask for none; print the newest there is")
        parser.add_argument(
            "--withdraw", action="store_true", help="ask for none; take the newest question back if nothing answered it"
        )
        parser.add_argument(
            "--axes",
            choices=get_args(Axes),
            default="hessian",
            help="the steepest directions (default), the last update and the gradient, or random ones",
        )
        parser.add_argument("--2d", action="store_true", dest="plane", help="a plane instead of a line")
        parser.add_argument("--points", type=int, default=21, help="offsets a side, odd, 5 to 41 (default: 21)")
        parser.add_argument("--extent", type=float, help="half the width in weight norm (default: the agent's choice)")
        parser.add_argument(
            "--share", type=float, help="of the step time, 0.001 to 1, to spend on it apart (default: the run's budget)"
        )
        parser.add_argument("--wait", action="store_true", help="until it is measured or refused")
        declare_server(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Ask, wait where told to, and print; 1 when it was refused."""
        client = open_client(args)
        run = client.find(args.reference).id
        if args.withdraw:
            return _withdraw(client, run)
        identity = "" if args.last else client.ask_slice(run, _choices(args)).id
        told = _find(client, run, identity)
        if args.wait and told is not None:
            told = _wait(client, run, told, shows=sys.stderr.isatty())
        if args.json:
            print_json(None if told is None else plain_object(msgspec.to_builtins(told)))
        elif told is None:
            print(f"nobody has asked for a slice of run {run}; `ergoscope slice {run}` does")
        else:
            _print(told, run)
        return 1 if told is not None and told.state == "refused" else 0


def _withdraw(client: Client, run: str) -> int:
    """Take back what is waited for; 1 when nothing is."""
    waited = next((told for told in client.slices(run) if told.state in _WAITED), None)
    if waited is None:
        print(f"no slice of run {run} is waited for")
        return 1
    client.withdraw_slice(run, waited.id)
    print(f"slice {waited.id} is withdrawn; another can be asked for")
    return 0


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


def _wait(client: Client, run: str, told: Told, *, shows: bool) -> Told:
    """Ask until it is measured or refused; `shows` has a line on the terminal say how far it is."""
    try:
        while told.state in _WAITED:
            if shows:
                line = _NOTHING if told.landscape is None else _progress(told.landscape)
                print(f"{_SAME_LINE}slice {told.id}: {line}", end="", file=sys.stderr, flush=True)
            time.sleep(EVERY_S)
            told = _find(client, run, told.id) or told
    finally:
        if shows:
            print(_SAME_LINE, end="", file=sys.stderr, flush=True)
    return told


def _progress(shown: Landscape) -> str:
    measured = sum(not math.isnan(value) for value in shown.values)
    return f"{measured} of {len(shown.values)} points measured"


def _print(told: Told, run: str) -> None:
    shown = told.landscape
    if told.state == "refused":
        print(f"slice {told.id} was not measured{' to its end' if shown else ''}: {told.reason}")
    elif shown is None:
        print(f"slice {told.id} was asked for {age(told.asked)}; {_NOTHING}")
        print(f"`ergoscope slice {run} --last` shows what has come of it, with --wait once it is there")
        print(f"only rank 0 answers; where it is not watched, `ergoscope slice {run} --withdraw` takes it back")
    if shown is None:
        return
    print(_headline(told, shown))
    if len(shown.offsets) == 1:
        _print_line(shown, done=told.state == "done")
    else:
        _print_plane(shown, done=told.state == "done")


def _headline(told: Told, shown: Landscape) -> str:
    misfit = "no prediction to compare it with" if not shown.predicted else "flat"
    if shown.misfit is not None:
        misfit = f"{100 * shown.misfit:.2g} % off the parabola"
    if told.state != "done":
        misfit = _progress(shown)
    where = f"step {shown.step}, along {' and '.join(shown.axes)}"
    return f"{where}: {misfit}" + "".join(f"; {text}" for text in (shown.mode, shown.how) if text)


def _print_line(shown: Landscape, *, done: bool) -> None:
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
    rows = [[_written(value, 6, done=done) for value in row] for row in zip(*columns.values(), strict=True)]
    print_table(list(columns), rows, empty="")


def _print_plane(shown: Landscape, *, done: bool) -> None:
    """Print the loss, a row an offset of the first axis; of many offsets those around the centre, evenly."""
    down, across = (_thinned(len(axis)) for axis in shown.offsets)
    width = len(shown.offsets[1])
    columns = [f"{shown.offsets[1][j] * shown.scales[1]:.3g}" for j in across]
    rows = [
        [
            f"{shown.offsets[0][i] * shown.scales[0]:.3g}",
            *(_written(shown.values[i * width + j], 3, done=done) for j in across),
        ]
        for i in down
    ]
    print(f"down: {shown.axes[0]}; across: {shown.axes[1]}; distances in weight norm")
    print_table(["", *columns], rows, empty="")


def _written(value: float, digits: int, *, done: bool) -> str:
    """Write a loss, or nothing for what is not measured yet."""
    return f"{value:.{digits}g}" if done or not math.isnan(value) else ""


def _thinned(points: int) -> range:
    """Give every n-th of an odd number of places, the middle one among them, at most SHOWN.

    Example:
        >>> list(_thinned(7)), list(_thinned(21))
        ([0, 1, 2, 3, 4, 5, 6], [1, 4, 7, 10, 13, 16, 19])
    """
    middle = points // 2
    stride = middle // (SHOWN // 2 + 1) + 1
    return range(middle % stride, points, stride)
