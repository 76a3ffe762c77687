"""ergoscope twins"""

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from ergoscope.cli.reading import print_json, print_table
from ergoscope.errors import SettingError
from ergoscope.twins.asked import Asked
from ergoscope.twins.coupling import Coupling, Departure, coupling, departures
from ergoscope.twins.record import TwinRecord, side_by_side
from ergoscope.twins.stability import Stability, stability

SHOWN = 3  # layers that parted


@dataclass(frozen=True, slots=True)
class Pair:
    """A twin against the first one: draw is None of the one in which nothing was replaced."""

    draw: int | None
    stability: Stability
    coupling: Coupling
    departed: list[Departure]


class Twins:
    """Run a script as twins that differ in a few training examples, and say how much their losses differ for it.

    The script passes its training examples through `ergoscope.twin(data)` and calls `ergoscope.watch(model, optimizer,
    probe=batch, loss_fn=losses)` with a fixed batch and the loss of each of its examples. It is run once as it is, once
    more with nothing replaced, which tells what the machine alone does, and then once for each --draws.
    """

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("script", type=Path, help="the training script")
        parser.add_argument("arguments", nargs=argparse.REMAINDER, help="what it is given; put the options before it")
        parser.add_argument("--replace", type=int, default=1, metavar="R", help="examples that differ (default: 1)")
        parser.add_argument("--draws", type=int, default=1, help="twins with other examples replaced (default: 1)")
        parser.add_argument("--every", type=int, default=10, metavar="STEPS", help="steps between looks (default: 10)")
        parser.add_argument("--since", type=int, default=None, metavar="STEP", help="average from here (default: half)")
        parser.add_argument("--seed", type=int, default=0, help="of everything that draws (default: 0)")
        parser.add_argument("--json", action="store_true", help="print JSON for scripts")

    def run(self, args: argparse.Namespace) -> int:
        """Run all twins and print how they compare; 1 when one of them fails."""
        _check(args)
        with tempfile.TemporaryDirectory(prefix="ergoscope-twins-") as folder:
            seen = []
            for number, draw in enumerate([None, None, *range(args.draws)]):
                path = Path(folder) / f"twin {number}.npz"
                asked = Asked(args.replace, draw, args.every, args.seed, str(path))
                code = _train(args.script, args.arguments, asked, number)
                if code:
                    print(f"ergoscope: twin {number} ended with status {code}; nothing is compared", file=sys.stderr)
                    return 1
                seen.append(_seen(path))
        draws = [None, *range(args.draws)]
        pairs = [_compare(seen[0], other, args, draw) for other, draw in zip(seen[1:], draws, strict=True)]
        print_json(_plain(pairs, args)) if args.json else _tell(pairs, args)
        return 0


def _check(args: argparse.Namespace) -> None:
    if not args.script.is_file():
        raise SettingError(f"{args.script} is no file; give the training script")
    for name in ("replace", "draws", "every"):
        if getattr(args, name) < 1:
            raise SettingError(f"--{name} is {getattr(args, name)}; it must be at least 1")


def _train(script: Path, arguments: list[str], asked: Asked, number: int) -> int:
    """Run one twin; what it prints goes to standard error, so that ours can be read by a program."""
    ours = {
        "PYTHONHASHSEED": "0",
        "ERGOSCOPE_NAME": f"{script.stem}, twin {number}",
        "ERGOSCOPE_RUN_GROUP": f"twins of {script.stem}",
        **asked.environment(),
    }
    command = [sys.executable, "-m", "ergoscope.twins.staging", str(script), *arguments]
    return subprocess.run(command, env={**os.environ, **ours}, stdout=sys.stderr.fileno()).returncode


def _seen(path: Path) -> TwinRecord:
    record = TwinRecord.load(path)
    if record.trouble:
        raise SettingError(f"{path.stem} could not be looked at: {record.trouble}")
    if not record.used:
        raise SettingError("the script never called ergoscope.twin(data), so nothing could be replaced; have it do so")
    return record


def _compare(first: TwinRecord, other: TwinRecord, args: argparse.Namespace, draw: int | None) -> Pair:
    a, b = side_by_side(first, other)
    since = args.since if args.since is not None else int(a.steps[-1]) // 2 if len(a.steps) else 0
    late = a.steps >= since
    replaced = args.replace if draw is not None else 1
    try:
        found = stability(a.losses[late], b.losses[late], replaced=replaced)
    except ValueError as error:
        raise SettingError(f"twins cannot be compared since step {since}: {error}") from None
    apart = coupling(a.steps, a.sketches, b.sketches)
    return Pair(draw, found, apart, departures(a.steps, a.layers, a.layer_sketches, b.layer_sketches))


def _plain(pairs: list[Pair], args: argparse.Namespace) -> dict[str, object]:
    floor, *others = pairs
    largest = max(others, key=lambda one: one.stability.value)
    return {
        "replaced": args.replace,
        "sas_coefficient": _shown(largest.stability),
        "noise_floor": _shown(floor.stability),
        "twins": [
            {
                "replaced": 0 if pair.draw is None else args.replace,
                "draw": pair.draw,
                **_shown(pair.stability),
                "points": [
                    {"difference": m, "error": e}
                    for m, e in zip(pair.stability.means.tolist(), pair.stability.errors.tolist(), strict=True)
                ],
                "coupling": {
                    "steps": pair.coupling.steps.tolist(),
                    "distances": pair.coupling.distances.tolist(),
                    "relative": pair.coupling.relative,
                    "rate": pair.coupling.rate,
                    "low": pair.coupling.low,
                    "high": pair.coupling.high,
                    "word": pair.coupling.word,
                },
                "departed": [asdict(one) for one in pair.departed],
            }
            for pair in pairs
        ],
    }


def _shown(found: Stability) -> dict[str, float]:
    return {"value": found.value, "low": found.low, "high": found.high, "usual": found.usual, "looks": found.looks}


def _tell(pairs: list[Pair], args: argparse.Namespace) -> None:
    rows = []
    for pair in pairs:
        found, apart = pair.stability, pair.coupling
        first = [one for one in pair.departed if one.step == pair.departed[0].step]
        more = f" and {len(first) - SHOWN} more" if len(first) > SHOWN else ""
        parted = f"step {first[0].step}: {', '.join(one.layer for one in first[:SHOWN])}{more}" if first else "never"
        rows.append(
            [
                "nothing" if pair.draw is None else f"{args.replace}, draw {pair.draw}",
                f"{found.value:.4g}",
                f"{found.low:.4g} to {found.high:.4g}",
                f"{found.usual:.4g}",
                f"{apart.distances[-1]:.4g} ({apart.relative:.2%}), {apart.word}",
                parted,
            ]
        )
    heads = ["replaced", "sas_coefficient", "interval", "of 95 % of points", "coupling_distance", "first parted"]
    print_table(heads, rows, empty="")
    floor, largest = pairs[0].stability.high, max(pair.stability.low for pair in pairs[1:])
    points, looks = len(pairs[0].stability.means), pairs[0].stability.looks
    print(f"\n{points} points, {looks} looks each; differences of time-averaged losses, a replaced example, 95 %.")
    if largest > floor:
        print("Replacing examples moves the losses by more than the machine does by itself.")
    else:
        print("What replacing examples does cannot be told from nothing: train longer, or replace more.")
