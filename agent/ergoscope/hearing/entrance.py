"""Where calls of the watched model can be heard for one step, so that training stays the same.

A compiled model is heard at its entrance: the attribute that leads into what was compiled is another one for the step
that is looked at. Dynamo goes around that attribute when it traces a call, and no guard of compiled code asks for it,
so nothing is compiled again, as it would be with hooks. A model that runs as it is written is heard by torch's global
hooks, but only where nothing at all is compiled. Either way nothing of ours is in what a job saves or copies of its
model: torch leaves these attributes out.
"""

import functools
import gc
import sys
from collections.abc import Callable, Mapping
from typing import cast

from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils.hooks import RemovableHandle

from ergoscope.curvature.objective import unwrapped
from ergoscope.hearing.listening import KEYWORDS, anything_compiled, take_away

Enter = Callable[[], None]
Leave = Callable[[tuple[object, ...], Mapping[str, object], object], None]


class Entrance:
    """Listens to the calls of one model."""

    def __init__(self, model: nn.Module) -> None:
        """Prepare for the model as the user has it; wrappers of it that are met elsewhere count as well."""
        self._model = unwrapped(model)
        self._wrappers = _around(model)
        self._searched = False
        self._doors: list[_Door] = []
        self._hooks: list[RemovableHandle] = []

    def open(self, enter: Enter, leave: Leave) -> str:
        """Tell of calls from now on.

        Args:
            enter: Called before each; neither may fail.
            leave: Called after it with what it was given, in order and by name, and with what it gave.

        Returns:
            Why that cannot be, the end of a sentence; empty when it can.
        """
        self.close()
        compiled = anything_compiled(self._model)
        if compiled and not self._wrappers and not self._searched:
            self._wrappers, self._searched = _search(self._model), True
        if self._wrappers:
            self._doors = [_Door(vars(wrapper), "forward", enter, leave) for wrapper in self._wrappers]
        elif vars(self._model).get("_compiled_call_impl") is not None:
            self._doors = [_Door(vars(self._model), "_compiled_call_impl", enter, leave)]
        elif not KEYWORDS:
            return "this version of torch does not tell what a model is given by name"
        elif compiled:
            return "a part of the job is compiled, and would be compiled again for what listens"
        else:
            self._hooks = _hooks(self._model, enter, leave)
        return ""

    def close(self) -> None:
        """Tell of nothing more."""
        for door in self._doors:
            door.remove()
        for hook in self._hooks:
            take_away(hook)
        self._doors, self._hooks = [], []


class _Door:
    """Takes the place of something that is called, which to everybody who looks at it is still the same."""

    def __init__(self, place: dict[str, object], name: str, enter: Enter, leave: Leave) -> None:
        through = cast("Callable[..., object]", place[name])
        functools.update_wrapper(self, through)
        self._place, self._name, self._through = place, name, through
        self._enter, self._leave, self._open = enter, leave, True
        skip = getattr(sys.modules.get("torch._dynamo.decorators"), "skip", None)
        if skip is not None:
            skip(_Door.__call__)  # a compiled function that calls it would compile it, too
        place[name] = self

    def __call__(self, *args: object, **kwargs: object) -> object:
        if not self._open:
            return self._through(*args, **kwargs)
        self._enter()
        output = self._through(*args, **kwargs)
        self._leave(args, kwargs, output)
        return output

    def remove(self) -> None:
        """Put back what was there, unless somebody has taken the place since."""
        self._open = False
        if self._place.get(self._name) is self:
            through = self._through
            while isinstance(through, _Door) and not through._open:  # removed before, when this one was in its place
                through = through._through
            self._place[self._name] = through


def _hooks(model: nn.Module, enter: Enter, leave: Leave) -> list[RemovableHandle]:
    def entered(module: nn.Module, _: object) -> None:
        if module is model:
            enter()

    def left(module: nn.Module, args: tuple[object, ...], kwargs: Mapping[str, object], output: object) -> None:
        if module is model:
            leave(args, kwargs, output)

    return [register_module_forward_pre_hook(entered), register_module_forward_hook(left, **KEYWORDS)]


def _around(model: nn.Module) -> list[nn.Module]:
    """List what compiles a model, among its wrappers; the outermost first."""
    found, bare = [], unwrapped(model)
    while model is not bare:
        inner = getattr(model, "_orig_mod", None)
        if isinstance(inner, nn.Module) and "forward" in vars(model):
            found.append(model)
        model = inner if isinstance(inner, nn.Module) else cast(nn.Module, model.module)
    return found


def _search(bare: nn.Module) -> list[nn.Module]:
    """Find what compiles a model, wherever a job may keep it: a look at every object, so once only."""
    kind = getattr(sys.modules.get("torch._dynamo.eval_frame"), "OptimizedModule", None)
    return [one for one in gc.get_objects() if type(one) is kind and unwrapped(one) is bare and "forward" in vars(one)]
