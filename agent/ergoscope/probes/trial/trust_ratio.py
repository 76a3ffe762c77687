"""Whether a step did to its own batch what the gradient promised."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

from torch import Tensor, nn
from torch.optim import Optimizer

from ergoscope.curvature.guard import ran_out_of_memory
from ergoscope.curvature.parts import split
from ergoscope.curvature.stopwatch import Stopwatch
from ergoscope.findings import Findings
from ergoscope.hearing.backward import FirstBackward, Origin
from ergoscope.hearing.listening import Guard
from ergoscope.layers import Moment
from ergoscope.probes.probe import Reader, Reading
from ergoscope.probes.trial.along import squares, steps_along, turned
from ergoscope.probes.trial.jointly import Jointly
from ergoscope.probes.trial.own_batch import OwnBatch
from ergoscope.probes.trial.passage import Passage
from ergoscope.probes.trial.stepping import UNEVEN, Stepping
from ergoscope.probes.trial.verdict import CHECKED, DROWNED, Step, objection
from ergoscope.remark import Remark, Remarks
from ergoscope.shards import seat

_MISSES = 3  # steps in a row that do not follow one backward pass, after which none is expected to
_VECTORS = 2  # of the parameters' size at once: the gradient, and what is on the way


class TrustRatioProbe:
    """Trust ratio ρ = (L(w + Δ) − L(w)) / (g·Δ) of a step, on the training's own batch.

    At a step that is looked at, the forward pass that the loss comes from is kept, and the loss is read off its graph
    as a function of the model's output. g is what the job's own backward pass leaves in the parameters, so clipping,
    scaling and whatever else is done to gradients is in Δ alone. After the step the pass is run once more. L has the
    penalty ½λ‖w‖² added where torch's own optimizers put weight decay into the gradient.

    At first, and at every 16th reading, the pass is run again before the step as well: where its loss is not the job's
    own to the last bit, that is done at each reading, and the rise is the difference of the two runs.

    A step must follow exactly one backward pass. What fails is told and not tried again. Of several processes see
    `ergoscope.probes.trial.jointly`.
    Of plain SGD the same losses tell the curvature along the gradient, batch sharpness: see `ergoscope.probes.trial
    .along`.

    Attributes:
        remarks: What the user is to be told.
        joint: What measures it instead, where several processes train together.
    """

    produces: ClassVar[tuple[str, ...]] = ("trust_ratio",)  # batch_sharpness is the sharpness's

    def __init__(
        self,
        model: nn.Module,
        optimizers: Sequence[Optimizer],
        *,
        wanted: bool,
        every: int = 1,
        clock: Callable[[], float],
        joint: Jointly | None = None,
    ) -> None:
        """Prepare to run steps' batches again.

        Args:
            model: As the user has it.
            optimizers: Those of the job.
            wanted: Whether the user has allowed it.
            every: Steps between two readings, at least.
            clock: Seconds that only grow.
            joint: Measures it instead, where several processes train together.
        """
        self.remarks = Remarks() if joint is None else joint.remarks
        self.joint = joint if wanted else None
        self._wanted = wanted
        self._every = every
        self._since = every  # steps since the last reading
        self._backward = FirstBackward(model, together=joint is not None)
        self._stepping = Stepping(optimizers)
        self._stopwatch = Stopwatch(clock)
        self._heard: OwnBatch | None = None  # while the job goes backward
        self._batch: OwnBatch | None = None  # when that is over
        self._reading: tuple[Reader, list[Tensor]] | None = None  # what was measured before the step
        self._unchecked = CHECKED  # readings since one was checked
        self._exact = False  # whether the last that was checked had the job's own loss
        self._awaited = False  # whether the step that comes is to be looked at
        self._missed = 0  # steps in a row

    def listen(self, guard: Guard) -> None:
        """Hear forward passes through `guard`."""
        self._backward.listen(guard)

    def overtime(self) -> float:
        """Seconds that runs of the batch took of the device beyond those of the host, as far as they are over."""
        return self._stopwatch.overtime()

    def turn(self, step: int, *, due: bool) -> bool:
        """So many steps are done, and the next one is `due`; gives whether there is something to do at that."""
        joint = self.joint
        if joint is None:
            return due
        self._since += 1
        try:
            joint.turn(step, due=due and self._since >= self._every)
        except Exception as error:
            self._fail(error)
        self._since = 0 if joint.done else self._since
        return joint.busy

    def before(self, *, passes: int) -> None:
        """The first optimizer is about to step, after so many backward passes, where there is something to do."""
        if self.joint is not None:
            self._attempt(partial(self.joint.before, passes=passes))

    def close(self, *, passes: int) -> None:
        """Take no more part in what several processes do together; `passes` as for `before`."""
        if self.joint is not None:
            self._attempt(partial(self.joint.close, passes=passes))
        self.deafen()

    def stepped(self, *, due: bool) -> None:
        """The first optimizer has stepped; `due` if the next step is to be looked at."""
        if self.joint is not None:
            self._backward.open(forward=True) if self.joint.listens else self._backward.close()
            return
        self._stepping.stepped()
        if self._stepping.uneven:
            self._stop(UNEVEN)
        self._let_go()
        self._since += 1
        self._awaited = due and self._wanted and self._since >= self._every
        if self._awaited:
            self._backward.open(forward=True)
        else:
            self._backward.close()

    def deafen(self) -> None:
        """Hear no more."""
        self._backward.close()
        self._let_go()

    @property
    def hears(self) -> bool:
        """Whether the end of the backward pass is to be told."""
        return self._heard is not None or (self.joint is not None and self.joint.hearing)

    def look(self, roots: object, *, number: int, plain: bool) -> None:
        """Keep the batch of the loss that the job is about to go backward from.

        Args:
            roots: What `torch.autograd.backward` was given.
            number: The how manieth pass of the step it is, from 1; a second one takes back what the first has shown.
            plain: Whether it is not compiled, and given nothing else that changes what comes out.
        """
        self._let_go()
        try:
            if self.joint is not None:
                self.joint.pass_begins()
            origin = self._backward.take(roots, number=number, plain=plain)
            if origin is not None:
                self._hear(origin)
        except Exception as error:
            self._fail(error)

    def pass_ends(self, finished: bool) -> None:
        """The backward pass that was looked at is over; `finished` if it did not fail."""
        heard, self._heard = self._heard, None
        try:
            if heard is None:
                if self.joint is not None:
                    self.joint.pass_ends(finished)
            elif finished:
                heard.take()
                self._batch = heard
            else:
                heard.let_go()
        except Exception as error:
            self._fail(error)

    def prepare(self, moment: Moment) -> None:
        """The first optimizer is about to step."""
        if self.joint is not None or not self._stepping.begins(moment) or not self._awaited:
            return
        batch, self._batch = self._batch, None
        if batch is None or batch.altered:
            self._miss()
            return
        self._missed = 0
        self._attempt(partial(self._set_off, batch))

    def measure(self, moment: Moment) -> Reading | None:
        """Run the batch again, once every optimizer has stepped."""
        passage, found = self._stepping.end(moment), list[Tensor]()
        reading, self._reading = self._reading, None if passage is not None else self._reading
        if passage is None or reading is None:
            return None
        self._attempt(lambda: found.extend((passage.promised(), passage.rise())))
        read, beside = reading
        return Reading([*found, *beside], read) if found else None

    def _hear(self, origin: Origin) -> None:
        if isinstance(origin.run, str):
            if origin.run:
                raise ValueError(f"its forward pass cannot be run once more: {origin.run}")
            return
        if self.joint is not None:
            self.joint.hear(origin.loss, origin.run)
            return
        if (world := seat().world) > 1:
            raise ValueError(f"a step is made of the batches of {world} processes, which were not yet there at `watch`")
        trained = self._stepping.trained(vectors=_VECTORS)
        self._heard = OwnBatch(origin.loss, origin.run, trained, trained)

    def _set_off(self, batch: OwnBatch) -> None:
        scale, lengths = batch.scale, list[Tensor]()
        if steps_along(self._stepping.optimizers):
            square, *others = squares(split(batch.gradient, batch.held), batch.given)
            lengths = [square if scale is None else square / scale.square(), turned(square, *others)]
        weight = batch.factor if scale is None else batch.factor / scale
        check = not self._exact or self._unchecked >= CHECKED
        start = batch.again() if check else batch.level
        decays = self._stepping.decays(batch.parameters)
        self._stepping.begin(
            Passage(batch.held, batch.hand_over(), decays, rise=lambda: weight * (batch.again() - start), scale=scale)
        )
        beside = [batch.level * weight, (start - batch.level) * weight, batch.misfit, batch.before, *lengths]
        self._reading = partial(self._read, batch.run.halved, check), beside
        self._unchecked = 1 if check else self._unchecked + 1
        self._since = 0

    def _read(self, halved: bool, checked: bool, values: Sequence[float], findings: Findings) -> None:
        slope, change, total, drift, misfit, before, *along = values
        reason = objection(total=total, drift=drift, misfit=misfit, before=before, halved=halved)
        if checked and reason == "":
            self._exact = drift == 0
        if reason:
            self._stop(reason)
        if reason != "":
            return
        step = Step(total, slope, change, halved, *along)
        findings.scalars.update(step.scalars())
        if step.drowned:
            self.remarks.tell(DROWNED)

    def _attempt(self, run: Callable[[], object]) -> None:
        try:
            with self._stopwatch.lap(self._stepping.device):
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
            text = f"what a step does to its own batch is not measured: {reason}"
            self.remarks.tell(Remark(text, absent=True))
        self._wanted = self._awaited = False
        if self.joint is not None:
            self.joint.spoil()
        self._let_go()
        self._reading = None
        self._stepping.forget()

    def _let_go(self) -> None:
        if self._heard is not None:
            self._heard.let_go()
        self._heard = self._batch = None
