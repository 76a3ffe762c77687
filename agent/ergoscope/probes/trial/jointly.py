"""A step of several processes, held against all their batches."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ergoscope.curvature.guard import guarded
from ergoscope.curvature.parts import split
from ergoscope.curvature.passes import Pass
from ergoscope.findings import Findings
from ergoscope.probes.trial.accord import Accord, Round
from ergoscope.probes.trial.along import squares, steps_along, turned
from ergoscope.probes.trial.own_batch import OwnBatch, versions
from ergoscope.probes.trial.passage import Passage
from ergoscope.probes.trial.stepping import Stepping
from ergoscope.probes.trial.team import Team
from ergoscope.probes.trial.verdict import CHECKED, DROWNED, MOVED, Step, objection
from ergoscope.readout import Readout, read_out
from ergoscope.remark import Remarks
from ergoscope.shards import answering, local, seat

_VECTORS = 2  # of the parameters' size at once: the gradient, and what is on the way
_UNANSWERED = 3  # questions in a row without an answer, after which the user is told
_SUMS = 6  # numbers that are added up over the processes


class Jointly:
    """Measures the trust ratio of L, the mean of the processes' losses, at steps on which they agree.

    Each process runs its own batch. Numbers, and no more, go through the store to the first one, which publishes them
    with the step that they are of. A pass of our own may wait for those of the other processes, so it is run by all or
    by none: after step s each votes, if it has everything at hand; right before step s + 1 the weights are still the
    same, the collectives of that step's backward pass are over, and so every vote has been cast that will be. Of a
    device the host knows that only when it has waited for it, which it does at such a step and at no other.

    Attributes:
        remarks: What the user is to be told.
        listens: Whether the step that comes is to be looked at.
        hearing: Whether a backward pass is under way whose end is to be told.
        done: Whether the last call of `turn` ended a reading of this process.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizers: Sequence[Optimizer],
        *,
        accord: Callable[[], Accord],
        publish: Callable[[Findings], None],
    ) -> None:
        """Prepare.

        Args:
            model: As the user has it.
            optimizers: Those of the job.
            accord: Begins to take part; called at the first look.
            publish: Takes what was found of an earlier step, on the first process.
        """
        self.remarks = Remarks()
        self.listens = self.hearing = self.done = False
        self._team, self._stepping = Team(model), Stepping(optimizers)
        self._join, self._accord = accord, list[Accord]()
        self._publish, self._first = publish, seat().rank == 0
        self._due = self._off = False
        self._round: Round | None = None
        self._ready = ""  # what is voted for by those that can look
        self._divisor = 1.0
        self._trained: list[Tensor] = []
        self._batch: OwnBatch | None = None  # of the step that all look at
        self._sound = False  # whether a number will come of it, as far as this process knows
        self._promised, self._clock = "", 0  # what it has voted for and has yet to do, and the team's clock then
        self._begun: int | None = None  # the team's clock when the backward pass began that has not come to its end
        self._taking = False  # whether that is the pass of the batch
        self._weights: list[int] = []  # versions of the parameters after the step
        self._passage: Passage | None = None
        self._beside: list[Tensor] = []  # what was measured before the step
        self._halved = False
        self._readout: Readout | None = None
        self._exact, self._unchecked = False, CHECKED  # of all; readings since one was checked
        self._unanswered = 0

    @property
    def busy(self) -> bool:
        """Whether there is something to do around the step that comes."""
        return self.listens or bool(self._promised)

    def turn(self, step: int, *, due: bool) -> None:
        """A step is over.

        Args:
            step: Steps done, counted alike on all processes.
            due: Whether this process would like a reading; the first one's wish counts.
        """
        self.done = self.listens = False
        self._due |= due
        round_ = self._round
        if round_ is not None and step == round_.step:
            self._stepped()
        if self._readout is not None and self._readout.ready():
            self._tell(self._readout)
        if not step % Accord.stride and not self._off:
            self._meet(step)
        ahead = round_ is not None and step + 1 == round_.step and not self._off
        self.listens = ahead and self._accord[0].unanimous(self._ready)

    def hear(self, loss: Tensor, run: Pass) -> None:
        """Keep the batch of the loss that the job is about to go backward from.

        Raises:
            ValueError: It cannot be told at other weights.
        """
        if self._round is None or not self.listens:
            return
        rank = seat().rank
        self._trained = self._stepping.trained(vectors=_VECTORS)
        mine = [p for p in self._trained if rank in (answering(p) or ())]
        with guarded(run.model):
            pass  # what cannot be guarded fails before anything is promised
        self._batch = OwnBatch(loss, run, self._trained, mine)
        self._sound = self._taking = self.hearing = True
        if self._round.wide:
            self._promise("before")
            self._begun = self._clock

    def pass_begins(self) -> None:
        """The job is about to go backward: until that is over, no promise can be kept."""
        self._begun = self._team.clock(self._trained) if self._promised else None
        self.hearing = self._begun is not None

    def pass_ends(self, finished: bool) -> None:
        """The backward pass that was heard is over; `finished` if it did not fail.

        Raises:
            ValueError: It has left no gradient of this batch.
        """
        taking, self._taking, self.hearing = self._taking, False, False
        self._begun = None if finished else self._begun
        if taking and self._batch is not None:
            self._sound = False
            self._batch.take() if finished else self._batch.let_go()
            self._sound = finished and not self._off

    def before(self, *, passes: int) -> None:
        """The optimizer is about to step, after so many backward passes since its last step."""
        batch, passage = self._batch, self._passage
        if batch is None or self._round is None:
            return
        kept = self._all_promised(passes)
        if passage is not None:
            self._batch = self._passage = None
            if kept:
                self._send(passage.rise())
            return
        start = self._again(batch) if kept else None
        if self._sound and passes == 1 and kept == self._round.wide:
            self._set_off(batch, batch.level if start is None else start)
        else:
            self._batch = None

    def close(self, *, passes: int) -> None:
        """Take part no more, but for what the others count on; `passes` as for `before`."""
        self._off = True
        if self._promised and passes and self._begun is None:
            self.before(passes=passes)
        elif self._promised and (not passes or self._begun == self._team.clock(self._trained)):
            self._accord[0].vote(self._promised, back=True)
        self._promised, self._round, self._batch, self._passage, self._readout = "", None, None, None, None
        self.listens = False

    def spoil(self) -> None:
        """Nothing more is measured here; what was promised is done all the same."""
        self._off, self._sound, self.listens = True, False, False

    def _meet(self, step: int) -> None:
        if not self._accord:
            self._accord.append(self._join())
        (accord,) = self._accord
        if self._first:
            answers = accord.told()
            if answers is not None:
                self._conclude(answers)
            self._ask(step)
        found = accord.look(step)
        if found is not None:
            self._prepare()
            self._round = found
            accord.vote(self._ready)

    def _prepare(self) -> None:
        """See what stands in the way of a reading."""
        trained, several = self._stepping.trained(vectors=_VECTORS), len(self._stepping.optimizers)
        if several != 1:
            raise ValueError(f"{several} optimizers step, and of several processes only a single one is looked at")
        self._divisor = self._team.divisor(trained)
        self._clock = self._team.clock(trained)
        self._ready = f"ready/{len(trained)}/{sum(p.numel() for p in trained)}"

    def _promise(self, what: str) -> None:
        self._clock = self._team.clock(self._trained)
        self._promised = f"{what}/{self._clock}"  # who counts steps otherwise votes for something else
        self._accord[0].vote(self._promised)

    def _all_promised(self, passes: int) -> bool:
        """Whether all have promised what this process has; known for good once the job's own collectives are over."""
        promised, self._promised, self._begun = self._promised, "", None
        if not promised or not passes or self._team.clock(self._trained) == self._clock:
            return False
        device = local(self._trained[0]).device
        if device.type == "cuda":
            torch.cuda.current_stream(device).synchronize()
        return self._accord[0].unanimous(promised)

    def _again(self, batch: OwnBatch) -> Tensor:
        """Run the batch once more, whatever has become of it: the others do so now."""
        with guarded(batch.run.model), torch.no_grad(), self._team.tidied():
            return batch.level_again()

    def _set_off(self, batch: OwnBatch, start: Tensor) -> None:
        scale, none = batch.scale, torch.full_like(batch.level, math.nan)
        lengths = [none, none, none]
        if steps_along(self._stepping.optimizers):
            lengths = squares(split(batch.gradient, batch.held), batch.given)
        weight = batch.factor if scale is None else batch.factor / scale
        self._passage = Passage(
            batch.held,
            batch.hand_over(),
            self._stepping.decays(batch.parameters),
            rise=lambda: weight / self._divisor * (self._again(batch) - start),
            scale=scale,
        )
        total = batch.level * weight / self._divisor
        drift = (start - batch.level) * weight / self._divisor
        unscaled = [one if scale is None else one / scale.square() for one in lengths]
        self._halved = batch.run.halved or self._team.narrow
        self._beside = [total, *unscaled, drift, batch.misfit, batch.before]

    def _stepped(self) -> None:
        if self._passage is None or not self._sound:
            self._batch = self._passage = None
            return
        self._beside.insert(0, self._passage.promised())
        self._weights = versions(self._trained)
        self._promise("after")

    def _send(self, change: Tensor) -> None:
        if self._weights != versions(self._trained):
            change = change * math.nan
            self.remarks.tell(MOVED)
        there = self._beside[1]
        numbers = torch.stack([one.to(there.device, there.dtype) for one in (change, *self._beside)])
        self._readout = read_out(numbers)

    def _tell(self, readout: Readout) -> None:
        self._readout, self.done = None, True
        *sums, drift, misfit, before = readout.values()
        reason = objection(total=sums[2], drift=drift, misfit=misfit, before=before, halved=self._halved)
        if reason != "":
            sums = [math.nan] * _SUMS
        self._accord[0].tell([drift == 0, self._halved, *sums])
        if reason:
            raise ValueError(reason)

    def _conclude(self, answers: Sequence[Sequence[float]]) -> None:
        self._unanswered = 0
        if self._round is None:
            return
        self._unchecked = 1 if self._round.wide else self._unchecked + 1
        exact, halved, *columns = zip(*answers, strict=True)
        self._exact = all(exact)
        change, slope, total, own, both, given = (math.fsum(c) for c in columns)
        turn = turned(own, both, given) if own * given > 0 else math.nan
        step = Step(total, slope, change, any(halved), own, turn)
        scalars = step.scalars()
        if scalars:
            self._publish(Findings(self._round.step, scalars))
        if step.drowned:
            self.remarks.tell(DROWNED)

    def _ask(self, step: int) -> None:
        if not self._due:
            return
        self._prepare()
        if not self._accord[0].ask(step, wide=not self._exact or self._unchecked >= CHECKED):
            return
        self._due = False
        self._unanswered += 1
        if self._unanswered > _UNANSWERED:
            self.remarks.tell(
                "trust_ratio waits for the other processes: all have to watch the model, with `curvature` asked for, "
                "and to be able to run their batch again"
            )
