"""Training one labelled run under the agent's eyes, and on for a while without them."""

import dataclasses
import random

import numpy as np
import torch

from benchmarks.verdict_runs.case import Case, rising
from benchmarks.verdict_runs.problems import Problem
from benchmarks.verdict_runs.record import Recorder, Recording
from benchmarks.verdict_runs.truth import AFTER, EVERY, Look, Observer, truth_of
from ergoscope.taps import attach

PROBE = 500  # examples in the agent's fixed batch
LATE = 0.75  # share of the run after which the sharpness is looked at
SPOILED = 10.0


class Training:
    """One run: its net, optimizer and schedule, and the stream of its batches."""

    def __init__(self, case: Case, seed: int, steps: int) -> None:
        """Draw everything anew from `seed`."""
        random.seed(seed)
        np.random.seed(seed)  # whatever draws globally
        torch.manual_seed(seed)
        self.case, self.steps = case, steps
        self.problem: Problem = case.problem()
        case.prepare(self.problem)
        self.optimizer = case.optimizer(self.problem.model.parameters())
        self._rate = self.optimizer.param_groups[0]["lr"]
        self._batches = torch.Generator().manual_seed(seed + 1)
        self.done = 0

    def step(self) -> None:
        """Take one step; after the end of the schedule the learning rate stays."""
        case, (x, y) = self.case, self.problem.data
        self.optimizer.param_groups[0]["lr"] = self._rate * case.factor(min(self.done, self.steps - 1), self.steps)
        if case.batch is not None:
            chosen = torch.randint(len(x), (case.batch,), generator=self._batches)
            x, y = x[chosen], y[chosen]
        if self.done in case.spoiled:
            x = SPOILED * x
        self.optimizer.zero_grad()
        self.problem.losses(self.problem.model, (x, y)).mean().backward()  # type: ignore[no-untyped-call]  # torch's
        self.optimizer.step()
        self.done += 1


def run(case: Case, seed: int, *, steps: int | None = None, after: int = AFTER) -> Recording:
    """Train a case and give what the agent measured, with the truth about it.

    Args:
        case: What to train.
        seed: Draws data, net and batches.
        steps: How long, if not as long as the case says.
        after: Steps to go on unseen.
    """
    training = Training(case, seed, steps or case.steps)
    end, recorder, looks = training.steps, Recorder(), list[Look]()
    problem, observer = training.problem, Observer(training.problem)
    taps = attach(
        problem.model,
        training.optimizer,
        recorder,
        budget=1.0,
        examples_per_backward=case.batch or len(problem.data[0]),
        probe=(problem.data[0][:PROBE], problem.data[1][:PROBE]),
        loss_fn=problem.losses,
        curvature="model" if case.curvature else None,
    )
    for _ in range(end + after):
        if training.done == end:
            taps.detach()
        if not training.done % EVERY:
            late = case.curvature and LATE * end <= training.done <= end
            looks.append(observer.look(problem, training.done, training.optimizer, sharpness=late))
        training.step()
    taps.detach()
    truth = truth_of(looks, end=end, warming=case.factor is rising)
    seen = [[one.step, one.loss, one.gradient, one.sharpness] for one in looks]
    about = {"case": case.name, "label": case.label, "seed": seed, "steps": end, "looks": seen}
    return recorder.recording({**about, "truth": dataclasses.asdict(truth)})
