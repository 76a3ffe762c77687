"""Whether a step did to its own batch what the gradient promised."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from torch import Tensor, nn
from torch.optim import Optimizer

from ergoscope.curvature.given import tensors_in
from ergoscope.curvature.guard import modes_kept, ran_out_of_memory
from ergoscope.curvature.objective import Objective
from ergoscope.curvature.passes import Pass
from ergoscope.curvature.stopwatch import Stopwatch
from ergoscope.curvature.tail import Tail
from ergoscope.curvature.trust import trust_ratio
from ergoscope.findings import Findings
from ergoscope.hearing.backward import FirstBackward, Origin
from ergoscope.hearing.criterion import Criterion, criterion_of
from ergoscope.hearing.listening import Guard
from ergoscope.layers import Moment
from ergoscope.numerics.scaling import factor_of, find_scale
from ergoscope.probes.probe import Reading
from ergoscope.probes.trial.stand import Stand
from ergoscope.probes.trial.stepping import UNEVEN, Stepping
from ergoscope.shards import seat

_MISSES = 3  # steps in a row that do not follow one backward pass, after which none is expected to
_ALIKE, _ALIKE_IN_HALVES = 2.0**-8, 2.0**-5  # shares by which the same pass may differ, run once more
_ROUNDING_OF_HALVES = 2.0**-8  # of the loss: bf16 rounds an output by half of it, and a ratio is of two losses
_UNLIKE = (
    "its loss is not one cross-entropy or squared error, computed by torch itself, of the model's output, and the "
    "model does not give it"
)


@dataclass(frozen=True, slots=True, eq=False)
class _Heard:
    """The batch of a step, and how its loss follows from the model's output number `chosen`.

    level: the loss as the criterion has it; factor: times this it is the loss; misfit: how far it is from that.
    scale: what the loss was multiplied by last, perhaps by a GradScaler.
    """

    run: Pass
    chosen: int
    criterion: Criterion
    level: Tensor
    factor: Tensor
    misfit: Tensor
    scale: Tensor | None

    @property
    def weight(self) -> Tensor:
        """What the level is multiplied by in what the optimizer lowers; right while a step is about to be made."""
        scaled = self.scale is not None and find_scale() is self.scale
        return self.factor / self.scale if scaled and self.scale is not None else self.factor

    @property
    def altered(self) -> bool:
        """Whether what the model was given, or the targets, were written over since."""
        return self.run.altered or self.criterion.altered

    def evaluate(self, _: nn.Module) -> Tensor:
        """Run the model again; gives what the loss adds up."""
        if self.altered:
            raise ValueError("the batch is written over before the step is done")
        return self.criterion.function(tensors_in(self.run.again())[self.chosen])


class TrustRatioProbe:
    """Trust ratio ρ = (L(w + Δ) − L(w)) / (g·Δ) of a step, on the training's own batch.

    At a step that is looked at, the forward pass that the loss comes from is kept, and the loss is read off its graph
    as a function of the model's output. Around the step the pass is run again: once with its gradient, once after. So
    clipping, scaling and whatever else is done to gradients is in Δ alone. L has the penalty ½λ‖w‖² added where torch's
    own optimizers put weight decay into the gradient.

    A step must follow exactly one backward pass, of this process alone. What fails is told and not tried again.

    Attributes:
        untold: What the user is to be told.
    """

    produces: ClassVar[tuple[str, ...]] = ("trust_ratio",)

    def __init__(
        self,
        model: nn.Module,
        optimizers: Sequence[Optimizer],
        *,
        wanted: bool,
        every: int = 1,
        clock: Callable[[], float],
    ) -> None:
        """Prepare to run steps' batches again.

        Args:
            model: As the user has it.
            optimizers: Those of the job.
            wanted: Whether the user has allowed it.
            every: Steps between two readings, at least.
            clock: Seconds that only grow.
        """
        self.untold: list[str] = []
        self._wanted = wanted
        self._every = every
        self._since = every  # steps since the last reading
        self._backward = FirstBackward(model)
        self._stepping = Stepping(optimizers)
        self._stopwatch = Stopwatch(clock)
        self._heard: _Heard | None = None
        self._beside: tuple[bool, list[Tensor]] | None = None  # in halves?, and what was measured before the step
        self._drowned = False  # whether the user knows that rounding was larger than a step
        self._awaited = False  # whether the step that comes is to be looked at
        self._missed = 0  # steps in a row

    def listen(self, guard: Guard) -> None:
        """Hear forward passes through `guard`."""
        self._backward.listen(guard)

    def overtime(self) -> float:
        """Seconds that runs of the batch took of the device beyond those of the host, as far as they are over."""
        return self._stopwatch.overtime()

    def pass_begins(self) -> None:
        """A backward pass is about to run."""
        self._backward.begins()

    def stepped(self, *, due: bool) -> None:
        """The first optimizer has stepped; `due` if the next step is to be looked at."""
        self._stepping.stepped()
        if self._stepping.uneven:
            self._stop(UNEVEN)
        self._heard = None
        self._since += 1
        self._awaited = due and self._wanted and self._since >= self._every
        if self._awaited:
            self._backward.open(forward=True)
        else:
            self._backward.skip()

    def deafen(self) -> None:
        """Hear no more."""
        self._backward.close()

    def look(self, roots: object, *, plain: bool) -> None:
        """Keep the batch of the loss that the job is about to go backward from.

        Args:
            roots: What `torch.autograd.backward` was given.
            plain: Whether it is not compiled, and given nothing else that changes what comes out.
        """
        try:
            origin = self._backward.take(roots, plain=plain)
            self._heard = self._heard if origin is None else self._hear(origin)
        except Exception as error:
            self._fail(error)

    def prepare(self, moment: Moment) -> None:
        """The first optimizer is about to step: run the batch with its gradient."""
        if not self._stepping.begins(moment) or not self._awaited:
            return
        heard, self._heard = self._heard, None
        if heard is None or self._backward.passes != 1 or heard.altered:
            self._miss()
            return
        self._missed = 0
        self._attempt(moment, partial(self._set_off, heard))

    def measure(self, moment: Moment) -> Reading | None:
        """Run the batch again, once every optimizer has stepped."""
        passage, found = self._stepping.end(moment), list[Tensor]()
        if passage is None or self._beside is None:
            return None
        self._attempt(moment, lambda: found.extend(passage.end()))
        halved, beside = self._beside
        return Reading([*found, *beside], partial(self._read, halved)) if found else None

    def _hear(self, origin: Origin) -> _Heard | None:
        world = seat().world
        if world > 1:
            raise ValueError(f"a step is made of the batches of {world} processes, and one alone knows its own")
        loss, run = origin.loss, origin.run
        if isinstance(run, str):
            if run:
                raise ValueError(f"its forward pass cannot be run once more: {run}")
            return None
        with modes_kept():
            tail = Tail.of(loss, run, self._stepping.trained())
            criterion = criterion_of(loss, tail.outputs[0]) if len(tail.outputs) == 1 else None
            if criterion is None:
                raise ValueError(_UNLIKE)
            found = criterion.misfit(tail.outputs[0], loss, tail.slopes[0].detach())
        return _Heard(replace(run, outputs=()), tail.chosen[0], criterion, *found, factor_of(loss))

    def _set_off(self, heard: _Heard) -> None:
        objective = Objective(heard.run.model, heard.evaluate)
        stand = Stand(objective, self._stepping.trained(), seed=None, see=lambda _: None)
        self._beside = heard.run.halved, [stand.loss, heard.level, heard.misfit]
        self._since = 0
        self._stepping.begin(stand, factor=heard.weight)

    def _read(self, halved: bool, values: Sequence[float], findings: Findings) -> None:
        slope, change, loss, level, misfit = values
        if not math.isfinite(loss) or loss == level == 0:
            return  # a batch that promises nothing
        tolerance = _ALIKE_IN_HALVES if halved else _ALIKE
        if not misfit <= tolerance:
            self._stop(_UNLIKE)
        elif not abs(loss - level) <= tolerance * abs(level):
            self._stop("its forward pass gives another loss when it is run once more")
        elif halved and abs(slope) < _ROUNDING_OF_HALVES * abs(loss):
            self._tell_drowned()
        elif math.isfinite(ratio := trust_ratio(loss, loss + change, slope)):
            findings.scalars["trust_ratio"] = ratio

    def _tell_drowned(self) -> None:
        if not self._drowned:
            self._drowned = True
            self.untold.append(
                "trust_ratio is absent at steps that promise less than 1/256 of the loss: in half precision rounding "
                "is as large"
            )

    def _attempt(self, moment: Moment, run: Callable[[], None]) -> None:
        try:
            with self._stopwatch.lap(moment.parameters[0].device):
                run()
        except Exception as error:
            self._fail(error)

    def _miss(self) -> None:
        self._missed += 1
        if self._missed == _MISSES:
            self._stop("steps do not follow one backward pass each")

    def _fail(self, error: Exception) -> None:
        said = (str(error) or type(error).__name__).partition("\n")[0]
        self._stop("there is no memory for it" if ran_out_of_memory(error) else said)

    def _stop(self, reason: str) -> None:
        if self._wanted:
            self.untold.append(f"what a step does to its own batch is not measured: {reason}")
        self._wanted = self._awaited = False
        self._stepping.forget()
