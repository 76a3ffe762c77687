"""Whether the job asks to see gradients inside its graph: a second backward pass would show them to it twice.

The graph does not say which hooks are on it. So for a step that is looked at, the two ways to get there are listened
to: `Tensor.register_hook` and `Tensor.retain_grad`. A hook put on a node itself goes unseen.
"""

import functools
import sys

import torch

_NAMES = ("register_hook", "retain_grad")


class Registrations:
    """Notes whether a hook is put on any tensor of the process, from `open` to `close`, but for those of one package.

    Attributes:
        seen: Whether there was one since it was opened last, or may have been one.
    """

    def __init__(self, *, but: str = "") -> None:
        """Begin closed; `but` begins the names of the modules whose hooks do not count."""
        self.seen = False
        self._but = but

    def open(self) -> None:
        """Note from now on."""
        if not _open:
            _wrap()
        if self not in _open:
            _open.append(self)
        self.seen = any(getattr(torch.Tensor, name) is not ours for name, ours in _ours.items())

    def note(self, module: str) -> None:
        """A module puts a hook on a tensor."""
        if not self._but or not module.startswith(self._but):
            self.seen = True

    def close(self) -> None:
        """Note no more; torch's own methods are back when nobody else notes."""
        if self in _open:
            _open.remove(self)
            if not _open:
                _unwrap()


# Tensors are one class for the whole process, and so is who listens: two of them that wrapped it one around the other
# could not be taken away in any order.
_open: list[Registrations] = []
_theirs = {name: getattr(torch.Tensor, name) for name in _NAMES}
_inherited = [name for name in _NAMES if name not in vars(torch.Tensor)]


def _noting(name: str):  # type: ignore[no-untyped-def]  # whatever torch's method takes and gives
    original = _theirs[name]

    @functools.wraps(original)
    def note(tensor, *args, **kwargs):  # type: ignore[no-untyped-def]  # passed on
        module = str(sys._getframe(1).f_globals.get("__name__", ""))
        for one in _open:
            one.note(module)
        return original(tensor, *args, **kwargs)

    return note


_ours = {name: _noting(name) for name in _NAMES}


def _wrap() -> None:
    for name in _NAMES:
        if getattr(torch.Tensor, name) is _theirs[name]:  # otherwise somebody else was here since
            setattr(torch.Tensor, name, _ours[name])


def _unwrap() -> None:
    for name in _NAMES:
        if getattr(torch.Tensor, name) is _ours[name]:
            if name in _inherited:
                delattr(torch.Tensor, name)
            else:
                setattr(torch.Tensor, name, _theirs[name])
