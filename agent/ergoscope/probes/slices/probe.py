"""Requests for slices, one after the other, each within its share of the time."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.optim import Optimizer

from ergoscope.curvature.guard import ran_out_of_memory
from ergoscope.curvature.objective import Objective
from ergoscope.curvature.stopwatch import Stopwatch
from ergoscope.probes.slices.purse import Purse
from ergoscope.probes.slices.sheet import refusal
from ergoscope.probes.slices.slicing import Slicing, Slots, Turn
from ergoscope.probes.vantage.trust import Trust
from ergoscope.readout import Readout, read_out
from ergoscope.shards import seat
from ergoscope_contract.records import Grid
from ergoscope_contract.slices import SliceRequest

Requests = Callable[[], Sequence[SliceRequest] | None]
"""Gives all that is asked, None when that is as it was; anything may be given again."""

_PATIENCE = 0.5  # of a step's time, for what can be divided
_NO_BATCH = (
    "the run has no fixed batch to measure it on; begin it with watch(..., probe=batch, loss_fn=loss), the loss being "
    "loss(model, batch)"
)


_INTERRUPTED = "it was interrupted; ask again"


@dataclass(slots=True)
class _Order:
    """A request that is being measured.

    at_once: whether the next slot must be at the next step.
    numbers: what the last slot has made, on its way to the host; seconds: what it took.
    """

    slicing: Slicing
    slots: Slots[Grid]
    purse: Purse
    stopwatch: Stopwatch
    at_once: bool = True
    numbers: Readout | None = None
    seconds: float = 0.0


class SliceProbe:
    """Slices of the loss on the fixed batch, measured on request, a slot of work at a step and never all at once.

    After each step of the first optimizer it looks whether something is asked, which is a read of memory. What is asked
    is measured in slots, each when the purse of that request owes nothing. Of several processes rank 0 answers. What
    cannot be measured is refused with the reason; a request that was answered once is not measured again, and one that
    is not asked any more is let go.
    """

    produces: ClassVar[tuple[str, ...]] = ("loss_slice",)

    def __init__(
        self,
        objective: Objective | None,
        optimizers: Sequence[Optimizer],
        requests: Requests,
        *,
        budget: float,
        publish: Callable[[Grid], None],
        tell: Callable[[str], None],
        charge: Callable[[float, float], None],
        clock: Callable[[], float],
    ) -> None:
        """Prepare.

        Args:
            objective: The fixed batch; without one all is refused.
            optimizers: Those of the job.
            requests: Where to look.
            budget: Share of the step's time for requests that name none.
            publish: Takes grids.
            tell: Takes what the user is to know meanwhile.
            charge: Told seconds of the host, and of a device beyond those, that were spent.
            clock: Seconds that only grow.
        """
        self._objective = objective
        self._optimizers = optimizers
        self._requests = requests
        self._budget = budget
        self._publish = publish
        self._tell = tell
        self._charge = charge
        self._clock = clock
        self._trust = Trust()
        self._known: set[str] = set()
        self._waiting: deque[SliceRequest] = deque()
        self._order: _Order | None = None

    def stepped(self, step: int, trained: float) -> None:
        """A step is over; go on with what is asked.

        Args:
            step: Optimizer steps done.
            trained: Seconds that the step took without the agent.
        """
        asked = self._requests()
        if asked is not None:
            self._hear(asked)
        if self._waiting:
            start = self._clock()
            with torch.no_grad():
                self._go_on(self._waiting[0], step, trained)
            self._charge(self._clock() - start, 0.0)

    def _hear(self, asked: Sequence[SliceRequest]) -> None:
        """Let go of what is not asked any more, and take on what is new."""
        names = {request.id for request in asked}
        if self._waiting and self._waiting[0].id not in names:
            self._order = None
        self._waiting = deque(request for request in self._waiting if request.id in names)
        for request in asked:
            if request.id not in self._known and seat().rank == 0:
                self._known.add(request.id)
                self._waiting.append(request)

    def _go_on(self, request: SliceRequest, step: int, trained: float) -> None:
        try:
            if self._order is None:
                self._order = self._begin(request)
            else:
                self._take_slot(self._order, step, trained)
            return
        except StopIteration as done:
            answer: Grid = done.value or refusal(request, _INTERRUPTED, step=step)
        except Exception as error:  # whatever a model may raise
            answer = refusal(request, _reason(error), step=step)
        except BaseException:  # an interrupt, which the job may catch; what the slot has made is lost
            if self._order is not None:
                self._order.slots.close()
            raise
        self._order = None
        self._waiting.popleft()
        self._publish(answer)

    def _begin(self, request: SliceRequest) -> _Order:
        if self._objective is None:
            raise ValueError(_NO_BATCH)
        start = self._clock()
        slicing = Slicing(
            request, self._objective, self._optimizers, trust=self._trust, publish=self._publish, tell=self._tell
        )
        slicing.check()
        order = _Order(slicing, slicing.work(), Purse(request.share or self._budget), Stopwatch(self._clock))
        next(order.slots)
        order.purse.spend(self._clock() - start)
        return order

    def _take_slot(self, order: _Order, step: int, trained: float) -> None:
        order.purse.earn(trained)
        if order.numbers is not None and not order.numbers.ready():
            return
        beyond = order.stopwatch.overtime()
        self._charge(0.0, beyond)
        order.purse.spend(beyond)
        order.seconds += beyond
        if order.purse.owed and not order.at_once:
            return
        numbers = () if order.numbers is None else order.numbers.values()
        start = self._clock()
        order.slicing.check()
        with order.stopwatch.lap(order.slicing.device):
            made = order.slots.send(Turn(step, numbers, order.seconds, _PATIENCE * trained))
        order.at_once = made is None
        order.numbers = None if made is None else read_out(made)
        order.seconds = self._clock() - start
        order.purse.spend(order.seconds)


def _reason(error: Exception) -> str:
    if ran_out_of_memory(error):
        return "there is no memory for it"
    said = (str(error) or type(error).__name__).partition("\n")[0]
    return said if isinstance(error, ValueError) else f"{type(error).__name__}: {said}"
