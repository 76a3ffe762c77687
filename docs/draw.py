"""Draws the figures of real runs: the course of each quantity, and the replica of the founding paper's figure.

python -m docs.draw                      quantities, from runs that `python -m benchmarks.verdicts` keeps
python -m docs.draw --story RUN          docs/figures/invariant_measure.svg, from a run of that example on a server
"""

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

import ergoscope
from benchmarks.verdict_runs.case import Case
from benchmarks.verdict_runs.cases import CASES
from benchmarks.verdict_runs.record import Recording
from benchmarks.verdicts import CACHE
from docs.chart import Line, Panel, drawing, parted, thinned
from ergoscope_contract import catalogue
from ergoscope_contract.answers import Reading
from ergoscope_contract.catalogue import Metric
from ergoscope_server.history.chronicle import Chronicle, verdict
from ergoscope_server.history.load import load
from ergoscope_server.history.play import play
from examples.invariant_measure import ImageNet, Story, load_story

FIGURES = Path(__file__).parent / "figures"
# Where a quantity is looked for, in this order; the seed is 0.
RUNS = {
    "mlp-drop": "a net of two hidden layers with batch normalization on ten classes with a fifth of wrong labels, SGD "
    "with momentum; the learning rate falls tenfold at step 4,201",
    "curve-gd": "full-batch gradient descent on 20 points, whose sharpness rises to the edge",
    "classes-sgd": "a net of two hidden layers on ten classes, SGD in small batches, below the edge",
    "curve-adam": "Adam on 20 points in full batches, whose sharpness in Adam's coordinates rises to the edge",
    "mlp-adam": "a net of two hidden layers on ten classes, Adam",
    "mlp-overfit": "a net of two hidden layers that learns 100 examples by heart",
}
STRIP = (
    "The strip above says the state: grey undecided, blue descending, light green settled, green settled with a "
    "gradient that is there, orange drifting or at the edge."
)
LEAST = 8  # points that make a course
EVERY = 200  # steps between two verdicts


def course(metric: Metric, recording: Recording, readings: dict[str, list[Reading]]) -> Line | None:
    """Give a quantity's course in a run: its series, or the readings of the verdicts; None where there is none."""
    if metric.id in recording.series:
        line = recording.series[metric.id].finite()
        return thinned(line.steps.astype(np.float64), line.values) if len(line) >= LEAST else None
    told = [r for r in readings[metric.id] if r.value is not None]
    if len({r.step for r in told}) < LEAST:
        return None
    x, y = np.array([float(r.step or 0) for r in told]), np.array([float(r.value or 0) for r in told])
    if any(r.low is None or r.high is None for r in told):
        return Line(x, y, dots=metric.shape == "state")
    return Line(x, y, np.array([r.low for r in told], dtype=float), np.array([r.high for r in told], dtype=float))


def verdicts(recording: Recording) -> tuple[dict[str, list[Reading]], list[tuple[str, float, float]]]:
    """Judge a run every 200 steps, as if it were watched: readings by quantity, and the states at the end."""
    newest = int(recording.series["loss"].steps[-1])
    data, chronicle = load(recording, "run", Chronicle(), last_step=newest), Chronicle()
    found: dict[str, list[Reading]] = defaultdict(list)
    for end in range(EVERY, newest + 1, EVERY):
        chronicle = play(chronicle, data.upto(end), run="run", now=0.0).chronicle
        for reading in chronicle.readings:
            found[reading.id].append(reading)
    told = verdict(chronicle, run="run", newest=newest)
    return found, [(spell.state, float(spell.first), float(spell.last)) for spell in told.spells]


def draw_quantities(cache: Path, folder: Path) -> list[str]:
    """Draw the course of each quantity that one of the runs has, and say which were drawn."""
    wanted = {metric.id: metric for metric in catalogue.ALL.values() if metric.made}
    drawn = []
    for name, story in RUNS.items():
        case = next(case for case in CASES if case.name == name)
        recording = Recording.load(cache / f"{name}-0.npz")
        readings, states = verdicts(recording)
        for metric in list(wanted.values()):
            line = course(metric, recording, readings)
            if line is not None:
                about = f"{metric.name[:1].upper()}{metric.name[1:]} of a real run: {story}."
                (folder / f"{metric.id}.svg").write_text(_drawn(metric, line, case, states, about), encoding="utf-8")
                drawn.append(wanted.pop(metric.id).id)
    return drawn


def _drawn(metric: Metric, line: Line, case: Case, states: list[tuple[str, float, float]], about: str) -> str:
    rates = [case.factor(step, case.steps) for step in range(case.steps)]
    marks = [step + 1 for step in range(1, case.steps) if rates[step] < 0.5 * rates[step - 1]]
    if line.low is not None:
        found = metric.kind == "indicator"
        about += " Shaded: the interval of each." if found else " Shaded: the smallest to the largest of each stretch."
    about += f" {STRIP}{' Dotted: the learning rate falls.' if marks else ''}"
    unit = f", {metric.unit}" if metric.unit else ""
    span = (0.0, float(case.steps))
    panel = Panel(f"{metric.name}{unit}", parted(line, marks), marks=marks, states=states, span=span)
    return drawing([[panel]], about=about)


def draw_story(story: Story) -> str:
    """Draw the replica beside what was read off the founding paper's figure."""
    whole, imagenet = story.gradient, ImageNet()
    states = [(spell.state, float(spell.first), float(spell.last)) for spell in story.verdict.spells]
    marks = [float(mark.step) for mark in story.verdict.marks if mark.kind == "lr"]
    epochs, start = np.array(imagenet.epochs), imagenet.gradient[0]

    def ours(title: str, points: ergoscope.Points, by: float = 1.0, level: float | None = None) -> Panel:
        kept = np.isfinite(points.values)
        steps, values = points.steps[kept].astype(np.float64), points.values[kept] / by
        lines = [thinned(piece.x, piece.y) for piece in parted(Line(steps, values), marks)]
        span = (0.0, float(story.loss.steps[-1]))
        return Panel(title, lines, marks=marks, states=states, level=level, span=span)

    def theirs(title: str, values: tuple[float, ...], by: float = 1.0) -> Panel:
        y = np.array(values) / by
        return Panel(title, [Line(epochs, y), Line(epochs, y, dots=True)], unit="epoch", marks=imagenet.drops)

    rows = [
        [ours("replica: loss", story.loss), theirs("ImageNet, ResNet-101: loss", imagenet.loss)],
        [
            ours("replica: whole gradient / its start", whole, by=float(whole.values[0])),
            theirs("ImageNet, ResNet-101: whole gradient / its start", imagenet.gradient, by=start),
        ],
        [ours("replica: descent balance, 1 when the loss has settled", story.balance, level=1.0)],
    ]
    return drawing(
        rows,
        about=f"The replica of examples/invariant_measure.py beside ImageNet. {STRIP} Dotted: the rate falls.",
    )


def main() -> None:
    """Draw, and say what."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=CACHE, help="where the runs are kept")
    parser.add_argument("--story", metavar="RUN", default="", help="a run of the example, on the server")
    given = parser.parse_args()
    FIGURES.mkdir(exist_ok=True)
    if given.story:
        text = draw_story(load_story(ergoscope.Api().run(given.story)))
        (FIGURES / "invariant_measure.svg").write_text(text, encoding="utf-8")
        drawn = ["invariant_measure"]
    else:
        drawn = draw_quantities(given.cache, FIGURES)
    sys.stdout.write(f"{len(drawn)} figures in {FIGURES}: {', '.join(drawn)}\n")


if __name__ == "__main__":
    main()
