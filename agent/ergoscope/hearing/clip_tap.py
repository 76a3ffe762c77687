"""Hearing of clip calls: the wrappers around torch's functions, and taking them away.

`torch.nn.utils.clip_grad_norm_` looks its last part up in its own module at each call. So wrapping that part sees every
call, also of a function that was imported before. `clip_grad_value_` and, before torch 2.6, `clip_grad_norm_` have no
such part and are wrapped where others find them: a name that was imported earlier escapes.
"""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import utils
from torch.nn.utils import clip_grad

from ergoscope.shards import is_spread

Clip = Callable[..., Tensor | None]
_PART = "_clip_grads_with_norm_"


@dataclass(frozen=True, slots=True)
class Hearing:
    """What is called around clip calls; none of it may raise.

    wanted: whether clip calls matter now; nothing else is called where they do not.
    scaled: parameters, limit and total norm, after gradients were multiplied by min(1, limit / total).
    expect, compare: parameters, before and after gradients are clipped in a way that only their norms show, and whether
        by one factor for all.
    """

    wanted: Callable[[], bool]
    scaled: Callable[[list[Tensor], float | Tensor, Tensor], None]
    expect: Callable[[list[Tensor], bool], None]
    compare: Callable[[list[Tensor], bool], None]


class ClipTap:
    """Wrappers around the functions of torch that clip gradients."""

    def __init__(self, hearing: Hearing) -> None:
        """Place the wrappers."""
        self._placed: list[tuple[object, str, Clip, Clip]] = []
        value = _by_value(clip_grad.clip_grad_value_, hearing)
        self._place(utils, "clip_grad_value_", value)
        self._place(clip_grad, "clip_grad_value_", value)
        part = getattr(clip_grad, _PART, None)
        if part is not None:
            scaled = _by_norm(part, hearing)
            self._place(clip_grad, _PART, scaled)
            self._place(utils, "clip_grads_with_norm_", scaled)
        else:
            whole = _by_own_norm(clip_grad.clip_grad_norm_, hearing)
            self._place(utils, "clip_grad_norm_", whole)
            self._place(clip_grad, "clip_grad_norm_", whole)

    def remove(self) -> None:
        """Restore torch's functions, except those that somebody has wrapped after us."""
        for where, name, ours, original in self._placed:
            if getattr(where, name) is ours:
                setattr(where, name, original)

    def _place(self, where: object, name: str, ours: Clip) -> None:
        original = getattr(where, name, None)
        if original is not None:
            self._placed.append((where, name, ours, original))
            setattr(where, name, ours)


def _by_norm(original: Clip, hearing: Hearing) -> Clip:
    """Wrap what scales gradients by a total norm that is given."""
    is_compiling = torch.compiler.is_compiling

    @functools.wraps(original, updated=())
    def clip_grads_with_norm_(parameters, max_norm, total_norm, *args, **kwargs):  # type: ignore[no-untyped-def]  # whatever torch takes, passed on
        if is_compiling() or not hearing.wanted():
            return original(parameters, max_norm, total_norm, *args, **kwargs)
        parameters = _listed(parameters)
        spread = is_spread(total_norm)  # then its value takes talking to other processes
        if spread:
            hearing.expect(parameters, True)
        result = original(parameters, max_norm, total_norm, *args, **kwargs)
        if spread:
            hearing.compare(parameters, True)
        else:
            hearing.scaled(parameters, max_norm, total_norm)
        return result

    return clip_grads_with_norm_


def _by_own_norm(original: Clip, hearing: Hearing) -> Clip:
    """Wrap what takes the total norm itself and returns it."""
    is_compiling = torch.compiler.is_compiling

    @functools.wraps(original, updated=())
    def clip_grad_norm_(parameters, max_norm, *args, **kwargs):  # type: ignore[no-untyped-def]  # whatever torch takes, passed on
        if is_compiling() or not hearing.wanted():
            return original(parameters, max_norm, *args, **kwargs)
        parameters = _listed(parameters)
        total = original(parameters, max_norm, *args, **kwargs)
        if isinstance(total, Tensor) and not is_spread(total):
            hearing.scaled(parameters, max_norm, total)
        return total

    return clip_grad_norm_


def _by_value(original: Clip, hearing: Hearing) -> Clip:
    """Wrap what cuts every entry."""
    is_compiling = torch.compiler.is_compiling

    @functools.wraps(original, updated=())
    def clip_grad_value_(parameters, *args, **kwargs):  # type: ignore[no-untyped-def]  # whatever torch takes, passed on
        if is_compiling() or not hearing.wanted():
            return original(parameters, *args, **kwargs)
        parameters = _listed(parameters)
        hearing.expect(parameters, False)
        result = original(parameters, *args, **kwargs)
        hearing.compare(parameters, False)
        return result

    return clip_grad_value_


def _listed(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    """The parameters as a list, as some callers give a generator, which can be read only once."""
    return [parameters] if isinstance(parameters, Tensor) else list(parameters)
