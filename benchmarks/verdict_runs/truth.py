"""How a run really stands, found without the verdict: from the whole loss, its gradient, and how it goes on.

At every 100th step loss and gradient of the data are taken on a copy, and so they are for 4,000 steps that the run goes
on after its end, unseen by the agent. They are of 4,000 examples at most: the gradient of such a part of 20,000 is
larger than the whole one by the noise of the choice. Written down before the verdicts were looked at:

    warming      the learning rate is made to rise to the end
    falling      the line through the whole losses from 1,000 steps before the end to 4,000 after it falls by more than
                 0.5 % of their mean per 1,000 steps, two standard errors included
    rising       the same, upwards
    settled      its slope is within 0.5 %, two standard errors included; then by the gradient's root mean square over
                 the last 1,000 steps against the highest of the run: below 5 % "stationary"; above 10 % "moving", or
                 "creeping" when the slope is below zero by more than four standard errors all the same
    between      neither can be told

A run blew up when its whole loss was ever not finite, or its end is above 1.05 times its start and above twice the
lowest. It is at the edge when the curvature over what the optimizer holds is from 0.9 to 1.1 in the median of its last
five looks, off it when outside 0.75 to 1.25, where the agent followed it and it is looked at here by 60 power steps.
"""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from benchmarks.verdict_runs.problems import Problem

EVERY, BEFORE, AFTER, MOST = 100, 1000, 4000, 4000
TOLERANCE, SMALL, LARGE = 0.005, 0.05, 0.10


@dataclass(frozen=True, slots=True)
class Look:
    """The whole loss, its gradient's norm and the sharpness over its threshold at a step; NaN where not taken."""

    step: int
    loss: float
    gradient: float
    sharpness: float = math.nan


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known: see the module. slope: per 1,000 steps as a share of the mean, with its standard error."""

    state: str
    slope: float
    error: float
    gradient: float
    blown: bool
    edge: str


class Observer:
    """Looks at a run from outside, on a copy, so that nothing of it changes."""

    def __init__(self, problem: Problem) -> None:
        """Take a copy of the net, and as much of the data as a look may cost."""
        self._losses = problem.losses
        self._data = (problem.data[0][:MOST], problem.data[1][:MOST])
        self._copy = copy.deepcopy(problem.model)

    def look(self, problem: Problem, step: int, optimizer: torch.optim.Optimizer, *, sharpness: bool = False) -> Look:
        """Take loss and gradient where the run is now."""
        self._copy.load_state_dict(problem.model.state_dict())
        weights = list(self._copy.parameters())
        loss = self._losses(self._copy, self._data).mean()
        gradients = torch.autograd.grad(loss, weights, create_graph=sharpness)
        norm = float(torch.stack([g.detach().norm() for g in gradients]).norm())
        finite = math.isfinite(norm)
        ratio = _sharpness(weights, gradients, optimizer) if sharpness and finite else math.nan
        return Look(step, float(loss.detach()), norm, ratio)


def _sharpness(weights: Sequence[Tensor], gradients: Sequence[Tensor], optimizer: torch.optim.Optimizer) -> float:
    """Give the largest curvature over what gradient descent, heavy ball or Adam holds; NaN for others."""
    group = optimizer.param_groups[0]
    if isinstance(optimizer, torch.optim.SGD):
        scale = [torch.ones_like(w) for w in weights]
        threshold = (2 + 2 * group["momentum"]) / group["lr"]
    elif isinstance(optimizer, torch.optim.Adam) and optimizer.state:
        beta1, beta2 = group["betas"]
        states = [optimizer.state[p] for p in group["params"]]
        count = float(states[0]["step"])
        roots = [(s["exp_avg_sq"] / (1 - beta2**count)).sqrt() + group["eps"] for s in states]
        scale = [(root * (1 - beta1**count)).rsqrt() for root in roots]
        threshold = (2 + 2 * beta1) / ((1 - beta1) * group["lr"])
    else:
        return math.nan
    return _power(weights, gradients, scale) / threshold


def _power(weights: Sequence[Tensor], gradients: Sequence[Tensor], scale: Sequence[Tensor], times: int = 60) -> float:
    generator = torch.Generator().manual_seed(0)
    v = [torch.randn(w.shape, generator=generator) for w in weights]
    value = math.nan
    for _ in range(times):
        size = torch.stack([part.norm() for part in v]).norm()
        v = [part / size for part in v]
        scaled = [s * part for s, part in zip(scale, v, strict=True)]
        products = torch.autograd.grad(gradients, weights, grad_outputs=scaled, retain_graph=True)
        after = [s * p for s, p in zip(scale, products, strict=True)]
        value = float(sum((a * b).sum() for a, b in zip(v, after, strict=True)))
        v = after
    return value


def truth_of(looks: Sequence[Look], *, end: int, warming: bool) -> Truth:
    """Tell how a run stood at step `end` from looks during it and after it."""
    during = [one for one in looks if one.step <= end]
    blown = _blown(during)
    near = [one for one in looks if end - BEFORE <= one.step <= end + AFTER]
    slope, error = _slope(near)
    highest = max((one.gradient for one in during if math.isfinite(one.gradient)), default=math.nan)
    recent = [one.gradient for one in during if one.step >= end - BEFORE]
    share = math.sqrt(float(np.mean(np.square(recent)))) / highest if highest > 0 else 0.0
    state = "warming" if warming else "blown" if blown else _state(slope, error, share)
    return Truth(state, slope, error, share, blown, _edge(during))


def _state(slope: float, error: float, share: float) -> str:
    if slope + 2 * error < -TOLERANCE:
        return "falling"
    if slope - 2 * error > TOLERANCE:
        return "rising"
    if not abs(slope) + 2 * error < TOLERANCE:
        return "between"
    if share < SMALL:
        return "stationary"
    if share <= LARGE:
        return "between"
    return "creeping" if slope < -4 * error else "moving"


def _blown(during: Sequence[Look]) -> bool:
    losses = [one.loss for one in during]
    if not all(map(math.isfinite, losses)):
        return True
    end = float(np.mean(losses[-5:]))
    return end > 1.05 * losses[0] and end > 2 * min(losses)


def _slope(near: Sequence[Look]) -> tuple[float, float]:
    """Fit a line; its error allows for memory by means of four looks."""
    losses = np.array([one.loss for one in near])
    if len(losses) < 12 or not np.isfinite(losses).all():
        return math.nan, math.nan
    count = len(losses) // 4
    x = np.array([one.step for one in near])[: 4 * count].reshape(count, 4).mean(1) / 1000
    y = losses[: 4 * count].reshape(count, 4).mean(1)
    x = x - x.mean()
    slope = float(x @ y / (x @ x))
    rest = y - y.mean() - slope * x
    error = math.sqrt(float(rest @ rest) / (count - 2) / float(x @ x))
    level = abs(float(y.mean()))
    return (slope / level, error / level) if level > 0 else (0.0, 0.0)


def _edge(during: Sequence[Look]) -> str:
    known = [one.sharpness for one in during if math.isfinite(one.sharpness)][-5:]
    if len(known) < 5:
        return "not looked at"
    middle = float(np.median(known))
    return "at it" if 0.9 <= middle <= 1.1 else "between" if 0.75 <= middle <= 1.25 else "off it"
