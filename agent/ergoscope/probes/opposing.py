"""Examples whose losses swing: how much of all change is theirs, and whether it comes back at the next step."""

import math
from collections.abc import Callable, Sequence
from typing import ClassVar

import torch
from torch import Tensor
from torch.optim import Optimizer

from ergoscope.curvature.guard import ran_out_of_memory
from ergoscope.curvature.objective import Objective
from ergoscope.curvature.stopwatch import Stopwatch
from ergoscope.findings import Findings
from ergoscope.layers import Moment
from ergoscope.probes.probe import Reading
from ergoscope.remark import Remark, Remarks
from ergoscope_contract.records import Event

_SEED = 0
_HEAD = 3  # values before those of single examples: share, flip, change over loss
_PART = 100  # one example of so many is loud
_LEAST = 3  # examples whose swing is judged, at least: of one alone it is always strict
_NAMED = 8  # examples that an event names
_STRICT = -0.8  # flip from which on they are named
_ROUNDING = 5e-6  # change, as a share of the loss, below which it is rounding
_MUCH = 0.1  # and from which on it is no rounding of any kind
_APART = 1000  # steps between two such events, at least


class OpposingProbe:
    """Swings of the losses l_i of single examples of a fixed batch, from three successive steps.

    With the changes d_i(t) = l_i(t) - l_i(t-1), opposing_share is the part of Σ|d_i(t)| that the loudest 1 % of the
    examples make up, one at least. opposing_flip is Σ d_i(t-1) d_i(t) / √(Σ d_i(t-1)² Σ d_i(t)²) over the loudest 1 %
    of step t-1, three at least: a correlation about zero, not about the mean, since to change back is to change sign.
    It is -1 when the same examples swing to and fro with period two (Rosenfeld, Risteski 2023), and scatters by
    1/√group around 0 when a move has nothing to do with the one before, by which alone the group is chosen.

    Noise of the evaluation alternates by itself, since l_i(t-1) is in both changes with opposite signs: where it is all
    there is, as with small moves in 16 bits, the flip reads -.86. So flips of changes below 5e-6 of the losses, the
    rounding of fp32, are left out, and examples are named only where their change is a tenth of their loss.

    The batch runs forward right after the step of the first optimizer, in the mode that the model is in, always with
    the same seed: evaluations share their dropout masks, whose change would otherwise be read as a change of the loss.
    In training mode batch normalisation makes every example's loss depend on the others'. Of copies of a model on
    several processes rank 0's is measured. A batch that fails once is not run again.
    """

    produces: ClassVar[tuple[str, ...]] = ("opposing_share", "opposing_flip")

    def __init__(
        self, objective: Objective | None, first: Optimizer, *, wall: Callable[[], float], clock: Callable[[], float]
    ) -> None:
        """Prepare to run a batch.

        Args:
            objective: What is run; None measures nothing.
            first: The optimizer after whose steps it is.
            wall: Unix seconds, for events.
            clock: Seconds that only grow, for costs.
        """
        self.remarks = Remarks()
        self._objective = objective
        self._first = first
        self._wall = wall
        self._stopwatch = Stopwatch(clock)
        self._losses: Tensor | None = None  # at the last measurement
        self._change: Tensor | None = None  # and since the one before it
        self._read_at: list[int] = []  # the last two steps that were read
        self._named_at = -math.inf
        if objective is not None and (reason := objective.obstacle()):
            self._stop(reason)

    def overtime(self) -> float:
        """Seconds that runs of the batch took of the device, as far as they are over, beyond those of `measure`."""
        return self._stopwatch.overtime()

    def measure(self, moment: Moment) -> Reading | None:
        """Run the batch, once for all optimizers; which steps follow each other is known when it is read."""
        if self._objective is None or moment.optimizer is not self._first:
            return None
        with self._stopwatch.lap(moment.parameters[0].device):
            losses = self._run(self._objective)
        if losses is None:
            return None
        before, earlier = self._losses, self._change
        alike = before is not None and before.shape == losses.shape and before.device == losses.device
        change = losses - before if alike and before is not None else None
        self._losses, self._change = losses, change
        if change is None:
            return Reading(torch.empty(0), self._read)
        share = _share(change)[None]
        values = share if earlier is None else torch.cat([share, *_swing(earlier, change, losses)])
        return Reading(values.float(), self._read)

    def _run(self, objective: Objective) -> Tensor | None:
        """The losses of the examples; when there are none, never again, and with a reason."""
        reason = objective.obstacle()  # other processes may have come since
        if not reason:
            try:
                given = objective.losses(seed=_SEED)
                reason = _fault(given)
                if not reason and isinstance(given, Tensor):
                    return given
            except Exception as error:
                short = ran_out_of_memory(error)
                reason = "it takes more memory than there is" if short else f"{type(error).__name__}: {error}"
        self._stop(reason)
        return None

    def _stop(self, reason: str) -> None:
        text = f"losses of single examples of the probe batch are not measured: {reason}"
        self.remarks.tell(Remark(text, absent=True))
        self._objective = self._losses = self._change = None

    def _read(self, values: Sequence[float], findings: Findings) -> None:
        step, before = findings.step, self._read_at
        self._read_at = [*before[-1:], step]
        if not values or before[-1:] != [step - 1]:
            return
        if math.isfinite(values[0]):
            findings.scalars["opposing_share"] = values[0]
        if len(values) == 1 or before != [step - 2, step - 1]:
            return
        flip, size = values[1:_HEAD]
        if math.isfinite(flip) and size > _ROUNDING:
            findings.scalars["opposing_flip"] = min(1.0, max(-1.0, flip))
            if flip <= _STRICT and size >= _MUCH and step >= self._named_at + _APART:
                self._named_at = step
                findings.records.append(self._name(step, values))

    def _name(self, step: int, values: Sequence[float]) -> Event:
        named = (len(values) - _HEAD) // 3
        numbers, first, second = (values[_HEAD + i * named : _HEAD + (i + 1) * named] for i in range(3))
        examples = [int(number) for number in numbers]
        return Event(
            kind="opposing",
            wall=self._wall(),
            step=step,
            text=f"losses of examples {', '.join(map(str, examples))} of the probe batch swing to and fro",
            data={
                "examples": examples,
                "changes": [list(first), list(second)],
                "share": values[0],
                "flip": values[1],
            },
        )


def _fault(given: object) -> str:
    """What is wrong with losses; empty when nothing is."""
    wanted = "loss_fn must give a tensor with one loss an example, shape (n,)"
    if not isinstance(given, Tensor):
        return f"{wanted}, and gives a {type(given).__name__}"
    if not given.dim():
        return f"{wanted}, and gives one number for all"
    if given.dim() > 1:
        return f"{wanted}, and gives shape {tuple(given.shape)}"
    if not given.is_floating_point():
        return f"{wanted}, and gives numbers of type {given.dtype}"
    return "" if len(given) >= _LEAST else f"{wanted}, with n at least {_LEAST}, and gives {len(given)}"


def _share(change: Tensor) -> Tensor:
    """The part of all change that the loudest examples make up, shape ()."""
    size = change.abs()
    return size.topk(math.ceil(len(size) / _PART)).values.sum() / size.sum()


def _swing(earlier: Tensor, change: Tensor, losses: Tensor) -> tuple[Tensor, ...]:
    """Of the examples that were loudest earlier: flip, change over loss; numbers; changes, then and now."""
    group = max(math.ceil(len(earlier) / _PART), _LEAST)
    named = min(max(group, _NAMED), len(earlier))
    loudest = earlier.abs().topk(named).indices
    then, now = earlier[loudest], change[loudest]
    flip = (then[:group] @ now[:group]) / (then[:group].norm() * now[:group].norm())
    size = then[:group].norm() / losses[loudest[:group]].norm()
    return torch.stack([flip, size]), loudest[:_NAMED].to(change.dtype), then[:_NAMED], now[:_NAMED]
