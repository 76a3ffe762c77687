"""Hooks on a model's forward pass that are there only for the steps that are looked at."""

import inspect
import sys
from collections.abc import Callable
from typing import ParamSpec, Protocol

import torch
from torch import Tensor, nn
from torch.nn.modules import module as modules
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils.hooks import RemovableHandle

from ergoscope.curvature.guard import probing
from ergoscope.shards import is_spread

Hear = Callable[[Tensor], None]
Tell = Callable[[nn.Module, Tensor], None]
P = ParamSpec("P")
# What makes torch tell a global hook what a model was given by name; not every version can.
KEYWORDS = {"with_kwargs": True} if "with_kwargs" in inspect.signature(register_module_forward_hook).parameters else {}


class Guard(Protocol):
    """Makes entry points that cannot disturb training, see `ergoscope.fence.Fence`."""

    def __call__(self, entry: Callable[P, None]) -> Callable[P, None]:
        """Make one of `entry`."""
        ...


class Ear:
    """Listens to what enters or leaves some modules during the training forward passes of one step.

    The hooks are torch's global ones, there for one step and taken away after it: a step that is not looked at runs as
    without an agent, and nothing of ours is ever on a module that the job may save or copy.
    """

    def __init__(self, guard: Guard, *, charge: Callable[[float], None], clock: Callable[[], float]) -> None:
        """Make an ear that hears nothing yet.

        Args:
            guard: Makes entry points that cannot disturb training, see `ergoscope.fence.Fence`.
            charge: Told the seconds that hearing took.
            clock: Seconds that only grow.
        """
        self._guard = guard
        self._charge = charge
        self._clock = clock
        self._outputs: dict[int, Tell] = {}  # by id of the module
        self._inputs: dict[int, Tell] = {}
        self._handles: list[RemovableHandle] = []

    def to_output(self, module: nn.Module, hear: Hear) -> None:
        """Hear the module's output from now on, when it is one tensor; the caller keeps the module alive."""
        if not self._outputs:
            self._handles.append(register_module_forward_hook(self._left))
        self._outputs[id(module)] = self._guard(self._when_training(hear))

    def to_input(self, module: nn.Module, hear: Hear) -> None:
        """Hear the module's first argument from now on, when it is a tensor; the caller keeps the module alive."""
        if not self._inputs:
            self._handles.append(register_module_forward_pre_hook(self._entered))
        self._inputs[id(module)] = self._guard(self._when_training(hear))

    @property
    def open(self) -> bool:
        """Whether it listens to anything."""
        return bool(self._handles)

    def close(self) -> None:
        """Listen no more."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._outputs.clear()
        self._inputs.clear()

    def _left(self, module: nn.Module, _: object, output: object) -> None:
        tell = self._outputs.get(id(module))
        if tell is not None and isinstance(output, Tensor):
            tell(module, output)

    def _entered(self, module: nn.Module, given: tuple[object, ...]) -> None:
        tell = self._inputs.get(id(module))
        if tell is not None and given and isinstance(given[0], Tensor):
            tell(module, given[0])

    def _when_training(self, hear: Hear) -> Tell:
        def told(module: nn.Module, tensor: Tensor) -> None:
            # A forward pass inside a backward pass is a checkpoint that is made again: heard already.
            if (
                not module.training
                or probing()
                or is_spread(tensor)
                or torch._C._current_graph_task_id() != -1
                or _capturing(tensor)
            ):
                return
            start = self._clock()
            with torch.no_grad():
                hear(tensor.detach())
            self._charge(self._clock() - start)

        return told


def _capturing(tensor: Tensor) -> bool:
    return tensor.is_cuda and torch.cuda.is_current_stream_capturing()


def take_away(handle: RemovableHandle) -> None:
    """Remove a global hook, with what torch forgets of it and then finds whenever it compiles a module."""
    handle.remove()
    getattr(modules, "_global_forward_hooks_with_kwargs", {}).pop(handle.id, None)


def anything_compiled(*models: nn.Module) -> bool:
    """Whether dynamo would trace something again that has new hooks.

    Args:
        models: Whose parts may be compiled in place; of everything else in the process it shows once dynamo has
            compiled a frame.
    """
    utils = sys.modules.get("torch._dynamo.utils")
    counters = getattr(utils, "counters", {})
    return bool(counters.get("frames")) or any(map(compiled_in_place, models))


def compiled_in_place(model: nn.Module) -> bool:
    """Whether a part of a model is compiled in place: it may run without a frame of its own that dynamo would count."""
    return any(vars(part).get("_compiled_call_impl") is not None for part in model.modules())
