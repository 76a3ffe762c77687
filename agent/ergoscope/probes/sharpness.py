"""Sharpness: the steepest curvature of the loss, against what the optimizer holds."""

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median_low
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ergoscope.curvature.blocks import Block, Scope, blocks_of
from ergoscope.curvature.guard import modes_kept, ran_out_of_memory
from ergoscope.curvature.ladder import How, agrees, choose, products
from ergoscope.curvature.objective import Objective, unwrapped
from ergoscope.curvature.plan import Curvature
from ergoscope.curvature.probed import probed_products
from ergoscope.curvature.room import needed, spare
from ergoscope.curvature.sighting import Sight, Sights
from ergoscope.curvature.stopwatch import Stopwatch
from ergoscope.curvature.tracker import COLD
from ergoscope.findings import Findings
from ergoscope.hearing.course import objection
from ergoscope.hearing.registrations import Registrations
from ergoscope.layers import Moment, parameters_of
from ergoscope.numerics.scaling import factor_of, find_scale
from ergoscope.probes.probe import Reading
from ergoscope.shards import is_flat, is_spread, seat

_SEED = 0
_STEPS = 4  # whose backward passes are remembered
_WHAT = {"model": "the whole model", "blocks": "a block", "last": "the last layer"}
_BESIDE = 6  # vectors beside a track's own: the gradient, S, and what is on the way
_ASK = "with a fixed batch of your own, watch(..., probe=batch, loss_fn=loss), it can be measured"


@dataclass(frozen=True, slots=True)
class _Look:
    """One look on its way to the host; `doubt` says that the last value is about the functions in `custom`."""

    block: Block
    sight: Sight
    how: How
    custom: frozenset[str] = frozenset()
    doubt: Tensor | None = None


class SharpnessProbe:
    """The Hessian's largest eigenvalue, followed by a few products a reading, and the curvature along the gradient.

    On the training's own batch the products go through the graph that the job is about to go backward through, in its
    first backward pass of a step. With several passes a step that one stands for all: it is multiplied by their usual
    number, so that the Hessian is that of the sum which the optimizer uses. A step that calls a closure makes each of
    its passes anew. Where a second pass might be noticed by the job, as where hooks or functions of its own are in the
    graph, none is made. On a fixed batch the products are made right after the step, always with the same random draws.

    Of copies of a model on several processes rank 0's is measured, on its own examples. What fails is told and not
    tried again, except that where memory is short the last layer alone is taken.

    Attributes:
        untold: What the user is to be told.
        closure: Whether the first optimizer's steps go backward themselves.
    """

    produces: ClassVar[tuple[str, ...]] = (
        "lambda_max",
        "lambda_max_residual",
        "lambda_max_precond",
        "sharpness_ratio",
        "dir_sharpness",
        "batch_sharpness",
    )

    def __init__(
        self,
        plan: Curvature | None,
        model: nn.Module,
        objective: Objective | None,
        optimizers: Sequence[Optimizer],
        clock: Callable[[], float],
    ) -> None:
        """Prepare to follow `plan`; None measures nothing.

        Args:
            plan: What the user asked for.
            model: Without wrappers.
            objective: The fixed batch; None takes the training's own.
            optimizers: Those of the job.
            clock: Seconds that only grow.
        """
        self.untold: list[str] = []
        self.closure = False
        self._plan = plan
        self._scope: Scope = "model" if plan is None else plan.scope
        self._model = model
        self._objective = objective
        self._optimizers = tuple(optimizers)
        self._stopwatch = Stopwatch(clock)
        self._sights: dict[str, Sights] = {}
        self._turn = 0
        self._since = math.inf  # steps since the last look
        self._passes = 0  # backward passes since the last step
        self._before: deque[int] = deque(maxlen=_STEPS)  # and of those before: a GradScaler may leave out a step
        self._registrations = Registrations()
        self._listening = False
        self._trusted: frozenset[str] = frozenset()
        self._differences = False
        self._factor: Tensor | None = None  # what the loss was multiplied by last
        self._scales: bool | None = None  # whether that is a GradScaler's; not known before the first step
        self._told = ""
        self._look: _Look | None = None
        if plan is not None and objective is None and len(self._optimizers) > 1:
            self._stop(f"several optimizers step, and which loss is whose is not known; {_ASK}")

    @classmethod
    def of(
        cls,
        plan: Curvature | None,
        model: nn.Module,
        objective: Objective | None,
        optimizers: Sequence[Optimizer],
        clock: Callable[[], float],
    ) -> "SharpnessProbe":
        """Make it for the model as the user has it; a batch of the plan's own comes before `objective`.

        Raises:
            TypeError, ValueError: as `Objective.of`.
        """
        own = None if plan is None else Objective.of(model, plan.probe, plan.loss_fn)
        return cls(plan, unwrapped(model), own or objective, optimizers, clock)

    def overtime(self) -> float:
        """Seconds that looks took of the device beyond those of the host, as far as they are over."""
        return self._stopwatch.overtime()

    def pass_begins(self) -> None:
        """A backward pass is about to run."""
        self._passes += 1

    def stepped(self, *, due: bool) -> None:
        """A step is over; `due` if a reading is, at the next one."""
        self.deafen()
        self._before.append(max(self._passes, 1))
        self._passes = 0
        self._since += 1
        if due and self._objective is None and not self._idle():
            self._registrations.open()
            self._listening = True

    def deafen(self) -> None:
        """Hear no more whether the job puts hooks on gradients."""
        self._registrations.close()
        self._listening = False

    def look(self, roots: object, *, hear: bool) -> None:
        """Take the products of a reading through the graph of `roots`, before the job goes backward from them.

        Args:
            roots: What `torch.autograd.backward` was given.
            hear: Whether it is not compiled, and given nothing else that changes what comes out.
        """
        listened = self._listening
        self.deafen()
        if not listened or self._idle() or self._passes != 1:
            return
        loss = roots[0] if isinstance(roots, (tuple, list)) and len(roots) == 1 else roots
        if not hear or not isinstance(loss, Tensor) or loss.numel() != 1:
            self._stop(f"the backward pass is compiled, or told more than one loss; {_ASK}")
            return
        if self._registrations.seen:
            self._stop(f"the job hooks gradients inside its graph; {_ASK}")
            return
        self._attempt(partial(self._through, loss))

    def measure(self, moment: Moment) -> Reading | None:
        """What the last look saw; with a fixed batch, look now, once for all optimizers."""
        if moment.optimizer is not self._optimizers[0]:
            return None
        if self._factor is not None:
            self._scales, self._factor = find_scale() is self._factor, None
        if self._objective is not None and not self._idle():
            self._attempt(partial(self._on_probe, self._objective))
        look, self._look = self._look, None
        if look is None:
            return None
        values = look.sight.values
        values = values if look.doubt is None else torch.cat([values, look.doubt.to(values.dtype)[None]])
        return Reading(values.float(), partial(self._read, look))

    def _idle(self) -> bool:
        return self._plan is None or seat().rank > 0 or self._since < (self._plan.every or 0)

    def _attempt(self, look: Callable[[Block], None]) -> None:
        try:
            block = self._block()
            if any(is_spread(p) or is_flat(p) for p in block.parameters):
                raise ValueError("parameters are spread over processes")
            device = block.parameters[0].device
            if spare(device) < needed(block.size, COLD + _BESIDE, device):
                raise MemoryError
            with self._stopwatch.lap(device):
                look(block)
            if self._look is not None:
                self._since = 0
                self._turn += 1
        except Exception as error:
            self._look = None
            if ran_out_of_memory(error) and self._scope != "last":
                self.untold.append(
                    f"there is no memory for the curvature of {_WHAT[self._scope]}: the last layer's is taken"
                )
                self._scope, self._sights, self._turn = "last", {}, 0
            else:
                said = (str(error) or type(error).__name__).partition("\n")[0]
                self._stop("there is no memory for it" if ran_out_of_memory(error) else said)

    def _block(self) -> Block:
        trained = [p for one in self._optimizers for p in parameters_of(one)]
        blocks = blocks_of(self._model, trained, self._scope)
        return blocks[self._turn % len(blocks)]

    def _sights_of(self, block: Block) -> Sights:
        return self._sights.setdefault(block.name, Sights(whole=self._scope == "model", seed=_SEED))

    def _through(self, loss: Tensor, block: Block) -> None:
        way = choose(loss, None, block.parameters, frozenset())
        reason = way.reason or objection(loss.grad_fn)  # type: ignore[arg-type]  # without one there is a reason
        if way.how is None or reason:
            raise ValueError(f"{reason}; {_ASK}")
        self._factor = factor_of(loss)
        if self._factor is not None and self._scales is None:
            return
        usual = float(self._usual())
        factor = usual / self._factor if self._factor is not None and self._scales else usual
        with modes_kept(), products(way, loss, None, block.parameters) as hessian:
            sight = self._sights_of(block).take(hessian, block.parameters, self._optimizers[0], factor=factor)
        self._look = _Look(block, sight, way.how)

    def _on_probe(self, objective: Objective, block: Block) -> None:
        obstacle = objective.obstacle()
        if obstacle:
            raise ValueError(obstacle)
        only = self._optimizers[0] if len(self._optimizers) == 1 else None
        with probed_products(
            objective, block.parameters, seed=_SEED, trusted=self._trusted, differences=self._differences
        ) as probed:
            sight = self._sights_of(block).take(probed.products, block.parameters, only, factor=1.0)
            self._look = _Look(block, sight, probed.how, probed.custom, probed.doubt)

    def _usual(self) -> int:
        return 1 if self.closure else median_low(self._before)

    def _stop(self, reason: str) -> None:
        self.untold.append(f"curvature is not measured: {reason}")
        self._plan, self._sights = None, {}

    def _read(self, look: _Look, values: Sequence[float], findings: Findings) -> None:
        how: How | None = look.how
        if look.doubt is not None:
            how = self._judge(look.custom, values[-1])
            values = values[:-1]
        found = self._sights_of(look.block).read(look.sight, values)
        if not math.isfinite(found.top.value) or how is None:
            return
        scalars, name = findings.scalars, f"/{look.block.name}" if look.block.name else ""
        scalars["lambda_max_precond" if look.sight.scaled else f"lambda_max{name}"] = found.top.value
        scalars[f"lambda_max_residual{name}"] = found.top.residual
        if found.ratio is not None:
            scalars["sharpness_ratio"] = found.ratio
        if not name and math.isfinite(found.along):
            scalars["dir_sharpness" if self._objective is not None else "batch_sharpness"] = found.along
        self._tell(how, look, found.top.products)

    def _judge(self, custom: frozenset[str], doubt: float) -> How | None:
        """What products through functions of the job's own may be called; None when they are wrong."""
        if agrees(doubt):
            self._trusted |= custom
            return How.EXACT
        self._differences = True
        self._sights.clear()
        names = ", ".join(sorted(custom))
        self.untold.append(f"second derivatives through {names} are wrong: differences of gradients are taken instead")
        return None

    def _tell(self, how: How, look: _Look, spent: int) -> None:
        batch = "the fixed batch" if self._objective is not None else "the training's own batch"
        usual = self._usual() if self._objective is None else 1
        if usual > 1:
            batch += f", of one of {usual} backward passes a step, times {usual}"
        over = {"model": "the whole model", "blocks": "one block after the other", "last": f"layer {look.block.name}"}
        text = f"curvature is {how}, on {batch}, over {over[self._scope]}"
        if text != self._told:
            self._told = text
            edge = look.sight.edge
            lack = "" if edge.value is not None or not edge.validity else f"; no threshold: {edge.validity}"
            self.untold.append(f"{text}; {spent} products{lack}")
