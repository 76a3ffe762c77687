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
from weakref import WeakKeyDictionary, ref

from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils.hooks import RemovableHandle

from ergoscope.curvature.objective import unwrapped
from ergoscope.hearing.listening import anything_compiled, take_away

Enter = Callable[[tuple[object, ...], Mapping[str, object] | None], None]
Leave = Callable[[object], None]
_CROWDED = (
    "the process holds too many objects to look among them for what compiles it; give the compiled model to watch"
)
_MOST = 6_000_000  # blocks of memory in use: some two million objects, which are looked through in about 0.2 s


class Entrance:
    """Listens to the calls of one model."""

    def __init__(self, model: nn.Module) -> None:
        """Prepare for the model as the user has it; wrappers of it that are met elsewhere count as well."""
        self._model = unwrapped(model)
        self._wrappers = _around(model)
        self._doors: list[_Door] = []
        self._hooks: list[RemovableHandle] = []

    def open(self, enter: Enter, leave: Leave) -> str:
        """Tell of calls from now on.

        Args:
            enter: Called before each with what it is given, in order and by name; None where names are not known.
            leave: Called after it with what it gave. Neither may fail.

        Returns:
            Why that cannot be, the end of a sentence; empty when it can.
        """
        self.close()
        compiled, in_place = anything_compiled(self._model), vars(self._model).get("_compiled_call_impl") is not None
        if compiled and not self._wrappers and not in_place:
            found = _search(self._model)
            if found is None:
                return _CROWDED
            self._wrappers = found
        if self._wrappers:
            self._doors = [_Door(vars(wrapper), "forward", enter, leave) for wrapper in self._wrappers]
        elif in_place:
            self._doors = [_Door(vars(self._model), "_compiled_call_impl", enter, leave)]
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
        self._enter(args, kwargs)
        output = self._through(*args, **kwargs)
        self._leave(output)
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
    def entered(module: nn.Module, args: tuple[object, ...]) -> None:
        if module is model:
            # torch tells a global hook what is given by name only afterwards, when the model may have written into it
            named = sys._getframe(1).f_locals.get("kwargs")
            enter(args, named if isinstance(named, dict) else None)

    def left(module: nn.Module, _: object, output: object) -> None:
        if module is model:
            leave(output)

    return [register_module_forward_pre_hook(entered), register_module_forward_hook(left)]


def _around(model: nn.Module) -> list[nn.Module]:
    """List what compiles a model, among its wrappers; the outermost first."""
    found, bare = [], unwrapped(model)
    while model is not bare:
        inner = getattr(model, "_orig_mod", None)
        if isinstance(inner, nn.Module) and "forward" in vars(model):
            found.append(model)
        model = inner if isinstance(inner, nn.Module) else cast(nn.Module, model.module)
    return found


# A look at every object of the process, so there is one for all who listen to a model. What it found stays the job's.
_searched: WeakKeyDictionary[nn.Module, list[ref[nn.Module]]] = WeakKeyDictionary()


def _search(bare: nn.Module) -> list[nn.Module] | None:
    """Find what compiles a model, wherever a job may keep it; None when that would take too long."""
    if bare not in _searched:
        if sys.getallocatedblocks() > _MOST:
            return None
        kind = getattr(sys.modules.get("torch._dynamo.eval_frame"), "OptimizedModule", None)
        found = [one for one in gc.get_objects() if type(one) is kind and unwrapped(one) is bare]
        _searched[bare] = [ref(one) for one in found if "forward" in vars(one)]
    return [one for kept in _searched[bare] if (one := kept()) is not None]
