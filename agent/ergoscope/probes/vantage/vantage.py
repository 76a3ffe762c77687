"""When a job's curvature is looked at, by whom, over which parameters, and what happens when that fails."""

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn
from torch.optim import Optimizer

from ergoscope.curvature.blocks import Block, Scope, blocks_of
from ergoscope.curvature.guard import ran_out_of_memory
from ergoscope.curvature.ladder import How
from ergoscope.curvature.objective import Objective, unwrapped
from ergoscope.curvature.plan import Curvature
from ergoscope.curvature.room import needed, spare
from ergoscope.curvature.stopwatch import Stopwatch
from ergoscope.findings import Findings
from ergoscope.hearing.backward import Origin
from ergoscope.hearing.listening import Guard
from ergoscope.layers import Moment, parameters_of
from ergoscope.probes.probe import Reader, Reading
from ergoscope.probes.vantage.fixed import FixedBatch
from ergoscope.probes.vantage.live import ASK, LiveBatch
from ergoscope.probes.vantage.opening import Instrument, Label, Opening
from ergoscope.probes.vantage.trust import Trust
from ergoscope.remark import Remark, Remarks
from ergoscope.shards import is_flat, is_spread, seat

_WHAT = {"model": "the whole model", "blocks": "a block", "last": "the last layer"}
_BESIDE = 6  # vectors beside an instrument's own: the gradient, a scaling, and what is on the way
Open = Callable[[Block, str], AbstractContextManager[Opening | None]]


class _NoRoomError(Exception):
    """There is no memory for the vectors of a look, on whatever batch. Never leaves this module."""


@dataclass(slots=True)
class _Post:
    """An instrument, and where it stands.

    since: steps since it looked last; wanted: whether it is to look at the step that comes; reading: not taken yet.
    seconds: of the host's time that it took in backward passes.
    """

    instrument: Instrument
    stopwatch: Stopwatch
    since: float = math.inf
    wanted: bool = False
    reading: Reading | None = None
    seconds: float = 0.0


class Vantage:
    """Gives instruments openings onto the Hessian, on the training's own batch or on a fixed one.

    Of copies of a model on several processes rank 0's is looked at, on its own examples. What fails is told and not
    tried again, except where memory is short: when it runs out, half of the fixed batch is taken, and half of that;
    when there is none for the vectors, or no batch to halve, the last layer alone.

    Attributes:
        remarks: What the user is to be told about all instruments.
    """

    def __init__(
        self,
        plan: Curvature | None,
        model: nn.Module,
        objective: Objective | None,
        optimizers: Sequence[Optimizer],
        clock: Callable[[], float],
    ) -> None:
        """Prepare to follow `plan`; with None there is never an opening.

        Args:
            plan: What the user asked for.
            model: As the user has it.
            objective: The fixed batch, the plan's own where it has one; None takes the training's own.
            optimizers: Those of the job.
            clock: Seconds that only grow.
        """
        self.remarks = Remarks()
        self._plan = plan
        self._scope: Scope = "model" if plan is None else plan.scope
        self._model = unwrapped(model)
        self._optimizers = tuple(optimizers)
        self._clock = clock
        self._trust = Trust()
        self._live = LiveBatch(model, self._trust)
        self._fixed = None if objective is None else FixedBatch(objective, self._optimizers, self._trust)
        self._posts: list[_Post] = []
        if plan is not None and objective is None and len(self._optimizers) > 1:
            self._stop(f"several optimizers step, and which loss is whose is not known; {ASK}")

    def enlist(self, instrument: Instrument) -> None:
        """Give openings to this one as well, where there is a batch that it can look at."""
        if instrument.steady and self._plan is not None and self._fixed is None:
            names = ", ".join(instrument.produces)
            instrument.remarks.tell(Remark(f"not measured without a fixed batch: {names}; {ASK}", absent=True))
        self._posts.append(_Post(instrument, Stopwatch(self._clock)))

    def listen(self, guard: Guard) -> None:
        """Hear the model's forward passes through `guard`, at steps that are looked at and where it is needed."""
        self._live.listen(guard)

    def closes(self) -> None:
        """The first optimizer's steps go backward themselves."""
        self._live.closure = True

    def passes(self) -> int:
        """Backward passes of a usual step."""
        return self._live.usual

    @property
    def ahead(self) -> int:
        """Which step to come must be due for a look right after the next step: the next itself, or the one after it.

        A fixed batch is looked at after the step that is due, which then is the first to come; the training's own in
        the backward pass before it, which then is the second. 0 where nothing is looked at.
        """
        return 0 if self._plan is None else 2 if self._fixed is None else 1

    def spent(self) -> list[float]:
        """Seconds of the host that each instrument took in backward passes since it was asked last."""
        found = [post.seconds for post in self._posts]
        for post in self._posts:
            post.seconds = 0.0
        return found

    def overtime(self) -> list[float]:
        """Seconds that each instrument kept the device busy beyond the host's time, as far as its looks are over."""
        return [post.stopwatch.overtime() for post in self._posts]

    def stepped(self, due: Sequence[bool], *, passes: int) -> None:
        """A step is over; see below.

        Args:
            due: For each instrument whether it is to look at the next one.
            passes: Backward passes that the step had.
        """
        if self._plan is None:
            return
        for post, wanted in zip(self._posts, due, strict=True):
            post.since += 1
            shown = self._fixed is None and not post.instrument.steady
            post.wanted = wanted and shown and self._awaits(post)
        self._live.stepped(passes, wanted=any(post.wanted for post in self._posts))

    def deafen(self) -> None:
        """Hear no more of what passes between steps."""
        self._live.deafen()

    def look(self, roots: object, *, number: int, hear: bool) -> None:
        """Let instruments look through the graph of `roots`, before the job goes backward from them.

        Args:
            roots: What `torch.autograd.backward` was given.
            number: The how manieth pass of the step it is, from 1.
            hear: Whether it is not compiled, and given nothing else that changes what comes out.
        """
        try:
            heard = self._live.hear(roots, number=number, plain=hear)
        except ValueError as error:
            self._stop(str(error))
            return
        if heard is None:
            return
        for post in self._posts:
            if post.wanted and self._plan is not None:
                start = self._clock()
                self._attempt(post, partial(self._through, heard))
                post.seconds += self._clock() - start

    def expects(self, instrument: Instrument) -> bool:
        """Whether an instrument that is due looks at the fixed batch right after the step of the only optimizer."""
        alone = len(self._optimizers) == 1
        return alone and self._fixed is not None and self._awaits(self._post(instrument), steps=1)

    def reading(self, instrument: Instrument, moment: Moment) -> Reading | None:
        """What an instrument saw last; with a fixed batch it looks now, once for all optimizers."""
        if moment.optimizer is not self._optimizers[0]:
            return None
        self._live.measured()
        post = self._post(instrument)
        if self._fixed is not None and self._awaits(post):
            self._attempt(post, self._fixed.open)
        reading, post.reading = post.reading, None
        return reading

    def _post(self, instrument: Instrument) -> _Post:
        return next(post for post in self._posts if post.instrument is instrument)

    def _awaits(self, post: _Post, *, steps: int = 0) -> bool:
        """Whether it has not looked for long enough, so many steps from now."""
        if self._plan is None or post.instrument.idle or seat().rank != 0:
            return False
        return post.since + steps >= (self._plan.every or 0)

    def _attempt(self, post: _Post, open_: Open) -> None:
        try:
            block = self._block(post.instrument.turn)
            if any(is_spread(p) or is_flat(p) for p in block.parameters):
                raise ValueError("parameters are spread over processes")
            device = block.parameters[0].device
            if spare(device) < needed(block.size, post.instrument.vectors + _BESIDE, device):
                raise _NoRoomError
            with post.stopwatch.lap(device), open_(block, self._over(block)) as opening:
                if opening is not None:
                    post.since = 0
                    post.reading = self._with_doubts(opening, post.instrument.look(opening))
        except Exception as error:
            post.reading = None
            self._fail(error)

    def _through(self, heard: Origin, block: Block, over: str) -> AbstractContextManager[Opening | None]:
        return self._live.open(heard, block, over, self._optimizers[0])

    def _block(self, turn: int) -> Block:
        trained = [p for one in self._optimizers for p in parameters_of(one)]
        blocks = blocks_of(self._model, trained, self._scope)
        return blocks[turn % len(blocks)]

    def _over(self, block: Block) -> str:
        return {"model": "the whole model", "blocks": "one block after the other"}.get(
            self._scope, f"layer {block.name}"
        )

    def _with_doubts(self, opening: Opening, reading: Reading | None) -> Reading | None:
        if opening.doubt is None and opening.drift is None:
            return reading
        there = opening.block.parameters[0].device  # what is made on it is not waited for
        own = torch.zeros(0, device=there) if reading is None else torch.as_tensor(reading.values)
        none = torch.zeros((), device=own.device)
        doubts = [none if one is None else one for one in (opening.doubt, opening.drift)]
        values = torch.cat([part.to(own.device, own.dtype).reshape(-1) for part in (own, *doubts)])
        sure = How.EXACT if opening.fixed else How.REPLAYED
        read = None if reading is None else reading.read
        return Reading(values, partial(self._judge, opening.label, sure, opening.custom, read))

    def _judge(
        self,
        label: Label,
        sure: How,
        custom: frozenset[str],
        read: Reader | None,
        values: Sequence[float],
        findings: Findings,
    ) -> None:
        *own, doubt, drift = values
        known = self._trust.differences  # of a look that was taken before this one was read
        if not drift <= 1:  # nor when it is no number
            self._stop(f"run again, the model's forward pass gives something else; {ASK}")
        elif not custom or self._trust.judge(custom, doubt) is not None:
            label.how = sure if label.how is How.UNVERIFIED else label.how
            if read is not None:
                read(own, findings)
        elif not known:
            self._forget()
            names = ", ".join(sorted(custom))
            self.remarks.tell(
                f"second derivatives through {names} are wrong: differences of gradients are taken instead"
            )

    def _fail(self, error: Exception) -> None:
        half = self._fixed.halve() if ran_out_of_memory(error) and self._fixed is not None else ""
        short = ran_out_of_memory(error) or isinstance(error, _NoRoomError)
        if half:
            self.remarks.tell(f"there is no memory for the curvature on all of the fixed batch: {half} are taken")
        elif short and self._scope != "last":
            self.remarks.tell(
                f"there is no memory for the curvature of {_WHAT[self._scope]}: the last layer's is taken"
            )
            self._scope = "last"
        else:
            said = (str(error) or type(error).__name__).partition("\n")[0]
            self._stop("there is no memory for it" if short else said)
        self._forget()

    def _stop(self, reason: str) -> None:
        if self._plan is not None:
            self.remarks.tell(Remark(f"curvature is not measured: {reason}", absent=True))
        self._plan = None
        self._live.deafen()
        self._forget()

    def _forget(self) -> None:
        for post in self._posts:
            post.instrument.forget()
