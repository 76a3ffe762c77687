"""A step's own forward passes of the watched model, kept so that the one its loss comes from can be run once more.

Of what a model was given and what it gave the tensors are kept by reference, from its call to the step's first backward
pass; of graphs nothing is.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules import module as modules

from ergoscope.curvature.given import in_own_containers, tensors_in
from ergoscope.curvature.guard import default_generators, probing
from ergoscope.curvature.objective import obstacle_to, unwrapped
from ergoscope.curvature.outputs import Output, outputs_of
from ergoscope.curvature.passes import Casts, Pass, casts_on
from ergoscope.curvature.room import spare
from ergoscope.curvature.tail import heads
from ergoscope.hearing.entrance import Enter, Entrance, Leave
from ergoscope.hearing.listening import Guard

States = tuple[tuple[torch.Generator, Tensor], ...]
_MOST = 4  # passes before a backward pass that are kept, the newest
_ROOM = 4.0  # times what a pass gave must be free for it to be kept
_UNNAMED = "this version of torch does not tell what a model is given by name"
FSDP = "torch.distributed.fsdp."  # where its hooks are made
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


@dataclass(frozen=True, slots=True, eq=False)
class _Begun:
    """A pass that has begun.

    given: in order and by name, in containers of our own; or why it cannot be given once more.
    versions: of the tensors in it.
    """

    given: tuple[tuple[object, ...], Mapping[str, object]] | str
    versions: tuple[int, ...]
    states: States
    casts: tuple[Casts, ...]


class ForwardPasses:
    """Keeps the training forward passes of one step, and says which of them a loss comes from."""

    def __init__(self, model: nn.Module, *, together: bool = False) -> None:
        """Keep passes of `model`, which is as the user has it; `together` if all processes repeat them at once."""
        self._together = together
        self._outer = model
        self._model = unwrapped(model)
        self._entrance = Entrance(model)
        self._heard: tuple[Enter, Leave] | None = None
        self._begun: list[_Begun] = []
        self._passes: deque[tuple[tuple[Output, ...], Pass | str]] = deque(maxlen=_MOST)
        self._listens = False
        self._reason = ""  # why none can be repeated, the end of a sentence

    def listen(self, guard: Guard) -> None:
        """Hear calls of the model through `guard`."""
        self._heard = guard(self._entered), guard(self._left)

    def open(self) -> None:
        """Keep passes from now on."""
        self.close()
        if self._heard is not None:
            self._listens = True
            self._reason = self._entrance.open(*self._heard)

    def close(self) -> None:
        """Keep no more, and let go of what was kept."""
        self._entrance.close()
        self._begun.clear()
        self._passes.clear()
        self._listens, self._reason = False, ""

    def take(self, loss: Tensor) -> Pass | str:
        """Give the pass that a loss comes from, and close.

        Returns:
            Without one the reason, the end of a sentence; empty when nobody has listened.
        """
        listens, reason, passes = self._listens, self._reason, list(self._passes)
        self.close()
        return self._find(loss, passes) if listens and not reason else reason

    def _find(self, loss: Tensor, passes: list[tuple[tuple[Output, ...], Pass | str]]) -> Pass | str:
        if not passes:
            return "it was not heard"
        reason = "" if self._together else obstacle_to(self._outer)
        reason = reason or _hooked(self._outer, but=("ergoscope.", FSDP) if self._together else ("ergoscope.",))
        if reason:
            return reason
        owners = [number for number, (outputs, _) in enumerate(passes) for _ in outputs]
        try:
            found = {owners[place] for place in heads(loss, [one for outputs, _ in passes for one in outputs])}
        except ValueError as error:
            return str(error)
        if not found:
            return "the loss comes from none that was heard"
        return passes[found.pop()][1] if len(found) == 1 else "the loss comes from several of the same model"

    def _entered(self, args: tuple[object, ...], kwargs: Mapping[str, object] | None) -> None:
        kinds = {p.device.type for p in self._model.parameters()}
        if "cuda" in kinds and torch.cuda.is_current_stream_capturing():
            return
        given: tuple[tuple[object, ...], Mapping[str, object]] | str = _UNNAMED
        if kwargs is not None:
            try:
                given = in_own_containers((args, kwargs))
            except ValueError as error:
                given = str(error)
        versions = () if isinstance(given, str) else tuple(t._version for t in tensors_in(given))
        self._begun.append(_Begun(given, versions, _states(self._model), casts_on("cpu", *sorted(kinds))))

    def _left(self, output: object) -> None:
        if not self._begun:
            return
        begun = self._begun.pop()
        gave = tensors_in(output)
        # A forward pass inside a backward pass is a checkpoint that is made again.
        if probing() or torch._C._current_graph_task_id() != -1 or all(t.grad_fn is None for t in gave):
            return
        if any(spare(device) < _ROOM * sum(t.nbytes for t in gave) for device in {t.device for t in gave}):
            self._reason = "there was no memory to keep what it gave"
            self._passes.clear()
            return
        outputs = outputs_of(output)
        self._passes.append((outputs, self._pass(begun, outputs)))

    def _pass(self, begun: _Begun, outputs: tuple[Output, ...]) -> Pass | str:
        if isinstance(begun.given, str):
            return begun.given
        args, kwargs = begun.given
        drew = any(not torch.equal(before, generator.get_state()) for generator, before in begun.states)
        return Pass(self._model, args, kwargs, begun.versions, outputs, begun.states, begun.casts, drew)


def _states(model: nn.Module) -> States:
    return tuple((generator, generator.get_state()) for generator in default_generators(model))


def _hooked(model: nn.Module, *, but: tuple[str, ...]) -> str:
    """Why one more pass would be noticed by hooks, but for those made in some modules; empty when it would not."""
    places = [getattr(modules, f"_global{name}") for name in _HOOKS]
    places += [getattr(part, name) for part in model.modules() for name in _HOOKS]
    # Ours look away from passes of our own.
    if any(not str(getattr(hook, "__module__", "")).startswith(but) for place in places for hook in place.values()):
        return "modules have hooks of the job's own, which would run once more"
    return ""
