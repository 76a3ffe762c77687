"""Train one demonstration and watch it: `python -m ergoscope.demo digits --steps 10000`."""

import argparse
import sys

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import ergoscope
from ergoscope.demo.task import train
from ergoscope.demo.tasks import DEFAULT_STEPS, build


def main(argv: list[str]) -> int:
    """Run the training process of the demonstration."""
    parser = argparse.ArgumentParser(prog="python -m ergoscope.demo", description=__doc__)
    parser.add_argument("task", choices=sorted(DEFAULT_STEPS))
    parser.add_argument("--steps", type=int, default=None, help="optimizer steps; each task has its own default")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(argv)
    steps = DEFAULT_STEPS[given.task] if given.steps is None else given.steps
    if steps < 1:
        parser.error(f"--steps is {steps}; it must be at least 1")
    # One thread trains a net this small as fast as two, and leaves the other to the page.
    torch.set_num_threads(1)
    task = build(given.task, steps=steps, seed=given.seed)
    run = ergoscope.watch(task.model, task.optimizer, project="demo", name=task.name, config=task.config)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        row = bar.add_task(task.name, total=steps)
        train(task, steps=steps, after_step=lambda step: bar.update(row, completed=step + 1))
    run.finish()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
