"""Hooks on a training job: placing them and taking them away.

Each watched optimizer gets a hook before and one after its `step`, on the instance alone, and `torch.autograd.backward`
is wrapped to see the loss, and so are torch's clipping functions. Nothing stays on the model: what listens to a forward
or a backward pass is there for one step only, and never on a compiled model, which would be compiled again.
"""

import functools
import logging
import sys
import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ergoscope.curvature.objective import Objective
from ergoscope.curvature.plan import Asked, Curvature
from ergoscope.description import describe
from ergoscope.fence import Fence
from ergoscope.hearing.clip_tap import ClipTap, Hearing
from ergoscope.monitor import Monitor
from ergoscope.outlet import Outlet
from ergoscope.probes.slices.probe import Requests
from ergoscope.watched import innermost
from ergoscope_contract.records import Event, JsonObject

Capture = Callable[[object, bool, bool], None]
Batch = TypeVar("Batch")

_OFF = "; that was one error too many: the agent is off, training goes on without it"
_log = logging.getLogger("ergoscope")


class Removable(Protocol):
    """A placed hook."""

    def remove(self) -> None:
        """Take it away."""
        ...


class Taps:
    """The hooks of one attachment; made by `attach`."""

    def __init__(self, monitor: Monitor, fence: Fence, placed: Sequence[Removable], about: JsonObject) -> None:
        """Hold what `attach` placed."""
        self._monitor = monitor
        self._fence = fence
        self._placed = placed
        self._about = about

    @property
    def step(self) -> int:
        """Steps of the first optimizer done, counted from the start step."""
        return self._monitor.step

    @property
    def alive(self) -> bool:
        """False after `detach`, after too many errors, and in a forked child."""
        return not self._fence.dead

    def config(self) -> JsonObject:
        """Hyper-parameters of the optimizers, parameter counts and torch version, as they were at attach."""
        return self._about

    def detach(self) -> None:
        """Hand over the last values and take all hooks away; a second call does nothing. Never raises.

        When somebody else has wrapped `torch.autograd.backward` after us, our wrapper has to stay under theirs; it
        then only passes calls on.
        """
        self._fence.guard(self._monitor.finish)()
        self._fence.dead = True
        self._monitor.passing.deafen()
        placed, self._placed = self._placed, ()
        for hook in placed:
            hook.remove()


def attach(
    model: nn.Module,
    optimizer: Optimizer | Sequence[Optimizer],
    outlet: Outlet,
    *,
    budget: float = 0.02,
    start_step: int = 0,
    examples_per_backward: int | None = None,
    probe: Batch | None = None,
    loss_fn: Callable[[nn.Module, Batch], Tensor] | None = None,
    curvature: Asked | Curvature | None = None,
    requests: Requests = lambda: (),
    clock: Callable[[], float] = time.perf_counter,
    wall: Callable[[], float] = time.time,
) -> Taps:
    """Measure a job's training from now on; training itself stays the same, bit for bit.

    Args:
        model: Names the parameters.
        optimizer: The optimizer, or several; the first one's steps are the job's steps.
        outlet: Takes what is measured, from the thread that steps.
        budget: Share of a step's time that measuring may take, above 0, at most 1.
        start_step: Steps done before, for a job that goes on.
        examples_per_backward: Examples in one backward pass of one process. With it the noise of the gradient is given
            per example; without it, per row of the model's output where a batch can be split, else per backward pass.
        probe: A fixed batch, kept as it is and where it is, for what takes a second pass; given with `loss_fn`.
        loss_fn: Gives the loss of each example of `probe`, shape (n,), or one number: `loss_fn(model, probe)`.
        curvature: Of what the Hessian is looked at: "model", its "blocks", the "last" layer, or as a `Curvature` says.
        requests: Looked at after each step for slices of the loss that somebody asks for.
        clock: Seconds that only grow, for costs.
        wall: Unix seconds, for events.

    Raises:
        TypeError: `model` is no module, an optimizer is none, `loss_fn` is no function, or `curvature` is no plan.
        ValueError: No optimizer, a budget that is no share, no examples in a pass, or `probe` or `loss_fn` alone.
    """
    _check(model, examples_per_backward)
    several = _several(optimizer)

    def report(text: str, last: bool) -> None:
        _tell(monitor, outlet, wall(), text, last)

    monitor = Monitor(
        model,
        several,
        outlet,
        budget=budget,
        start_step=start_step,
        clock=clock,
        wall=wall,
        examples=examples_per_backward,
        objective=Objective.of(model, probe, loss_fn),
        curvature=Curvature.of(curvature),
        requests=requests,
    )
    fence = Fence(report=report, clock=clock)
    monitor.passing.listen(fence.guard)
    monitor.passing.listen_to_passes(fence.guard)
    monitor.passing.listen_to_model(fence.guard)
    return Taps(monitor, fence, _place(monitor, fence, several), describe(model, several))


def _tell(monitor: Monitor, outlet: Outlet, wall: float, text: str, last: bool) -> None:
    if last:
        monitor.passing.close()  # other processes may count on this one
        text += _OFF
    outlet.record(Event(kind="agent", wall=wall, step=monitor.step, text=text, data={"off": last}))
    _log.warning("ergoscope: %s", text) if last else _log.info("ergoscope: %s", text)


def _check(model: object, examples: int | None) -> None:
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is a {type(model).__name__}; it must be a torch.nn.Module")
    if examples is not None and examples < 1:
        raise ValueError(f"examples_per_backward is {examples}; it must be at least 1, or None")


def _several(optimizer: Optimizer | Sequence[Optimizer]) -> list[Optimizer]:
    several: list[object] = [optimizer] if isinstance(optimizer, Optimizer) else list(optimizer)
    if not several:
        raise ValueError("optimizer is an empty list; give at least one torch.optim.Optimizer")
    steppers = []
    for one in several:
        if not isinstance(one, Optimizer):
            kind = type(one).__name__
            raise TypeError(f"optimizer is a {kind}; it must be a torch.optim.Optimizer or a list of them")
        steppers.append(innermost(one))
    return steppers


def _place(monitor: Monitor, fence: Fence, several: Sequence[Optimizer]) -> list[Removable]:
    placed: list[Removable] = []
    for number, one in enumerate(several):
        placed += _tap_optimizer(one, number, monitor, fence)
    return [*placed, _BackwardTap(monitor, fence), ClipTap(_hear_clips(monitor, fence))]


def _tap_optimizer(optimizer: Optimizer, number: int, monitor: Monitor, fence: Fence) -> list[Removable]:
    def before(_: Optimizer, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
        monitor.before(number, closure=len(args) > 1 or kwargs.get("closure") is not None)

    def after(*_: object) -> None:
        monitor.after(number, own=fence.spent)

    # The first optimizer's steps are always counted.
    return [
        optimizer.register_step_pre_hook(fence.guard(before)),
        optimizer.register_step_post_hook(fence.guard(after)),
    ]


class _BackwardTap:
    """`torch.autograd.backward`, wrapped; `Tensor.backward` looks the name up at each call, so it comes here too."""

    def __init__(self, monitor: Monitor, fence: Fence) -> None:
        is_compiling, original = torch.compiler.is_compiling, torch.autograd.backward
        capture, end = fence.guard(monitor.on_backward), fence.guard(monitor.passing.end)
        in_dynamo, untraced = _dynamo_view(capture)
        # Hooks would be traced into where a compiled function runs, and where the backward pass itself is compiled.
        autograd = sys.modules.get("torch._dynamo.compiled_autograd")

        @functools.wraps(original, updated=())  # dynamo leaves marks in __dict__ that are not ours
        def backward(tensors, *args, **kwargs):  # type: ignore[no-untyped-def]  # whatever torch takes, passed on
            if is_compiling():
                return original(tensors, *args, **kwargs)
            if in_dynamo():
                untraced(tensors, False, False)
                return original(tensors, *args, **kwargs)
            plain = _is_plain(*args, **kwargs)
            capture(tensors, not getattr(autograd, "compiled_autograd_enabled", False), plain)
            if not monitor.passing.hearing:
                return original(tensors, *args, **kwargs)
            finished = False
            try:
                result = original(tensors, *args, **kwargs)
                finished = True
                return result
            finally:
                end(finished)
                if monitor.passing.hearing and fence.dead:
                    monitor.passing.deafen()

        skip = getattr(sys.modules.get("torch._dynamo.decorators"), "skip", None)
        self._original = original
        self._ours = torch.autograd.backward = backward if skip is None else skip(backward)

    def remove(self) -> None:
        """Restore torch's function, unless somebody has wrapped ours."""
        if torch.autograd.backward is self._ours:
            torch.autograd.backward = self._original


def _is_plain(
    grad_tensors: object = None, _: object = None, create_graph: object = False, *rest: object, **named: object
) -> bool:
    """Whether a backward pass, by what it is given besides its roots, is that of a loss to all that it depends on."""
    named.pop("retain_graph", None)
    return not create_graph and not rest and all(v is None for v in (grad_tensors, *named.values()))


def _hear_clips(monitor: Monitor, fence: Fence) -> Hearing:
    def scaled(parameters: list[Tensor], limit: float | Tensor, total: Tensor) -> None:
        monitor.passing.on_clip(lambda clips: clips.scaled(parameters, limit, total))

    def expect(parameters: list[Tensor], by_norm: bool) -> None:
        monitor.passing.on_clip(lambda clips: clips.expect(parameters, by_norm))

    def compare(parameters: list[Tensor], by_norm: bool) -> None:
        monitor.passing.on_clip(lambda clips: clips.compare(parameters, by_norm))

    return Hearing(monitor.passing.wants_clips, fence.guard(scaled), fence.guard(expect), fence.guard(compare))


def _dynamo_view(capture: Capture) -> tuple[Callable[[], object], Capture]:
    """How to tell that a compiled function is running, and `capture` so that dynamo does not trace into it there.

    An optimizer has imported dynamo by the time it exists; where it has not, nothing is compiled, and importing dynamo
    ourselves would cost seconds.
    """
    disable = getattr(sys.modules.get("torch._dynamo"), "disable", None)
    if disable is None:
        return (lambda: False), capture
    running = getattr(torch._C._dynamo.eval_frame, "get_eval_frame_callback", lambda: True)
    return running, disable(capture)
