"""A forward pass of the job's model that is remembered, so that it can be run once more."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import Tensor, nn

_DEPTH = 32  # containers within containers: deeper ones hold themselves
_HALVES = (torch.bfloat16, torch.float16)


@dataclass(frozen=True, slots=True)
class Casts:
    """How autocast stood for one kind of device."""

    device: str
    enabled: bool
    dtype: torch.dtype


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """One forward pass of the job's model, kept by reference.

    model: what ran, without what compiles it or copies it over processes.
    args, kwargs: what it was given; versions: of the tensors among them, in the order of `tensors_in`.
    output: what it gave.
    generators: the states of torch's generators before it, each with its generator.
    casts: how autocast stood.
    drew: whether it moved one of the generators on.
    """

    model: nn.Module
    args: tuple[object, ...]
    kwargs: Mapping[str, object]
    versions: tuple[int, ...]
    output: object
    generators: tuple[tuple[torch.Generator, Tensor], ...] = ()
    casts: tuple[Casts, ...] = ()
    drew: bool = False

    @property
    def altered(self) -> bool:
        """Whether an input was changed in place since."""
        return self.versions != tuple(t._version for t in tensors_in((self.args, self.kwargs)))

    @property
    def halved(self) -> bool:
        """Whether it computed in half precision."""
        autocast = any(cast.enabled and cast.dtype in _HALVES for cast in self.casts)
        return autocast or any(p.dtype in _HALVES for p in self.model.parameters())

    def again(self) -> object:
        """Run the model on the same inputs, with the same draws, inside of `ergoscope.curvature.guard.guarded`."""
        with ExitStack() as stack:
            for cast in self.casts:
                stack.enter_context(
                    torch.autocast(cast.device, dtype=cast.dtype, enabled=cast.enabled, cache_enabled=False)
                )
            for generator, state in self.generators:
                generator.set_state(state)
            return self.model(*self.args, **self.kwargs)


def casts_on(*devices: str) -> tuple[Casts, ...]:
    """How autocast stands now for kinds of devices."""
    return tuple(Casts(d, torch.is_autocast_enabled(d), torch.get_autocast_dtype(d)) for d in dict.fromkeys(devices))


def tensors_in(value: object, *, depth: int = _DEPTH) -> list[Tensor]:
    """List the tensors of nested tuples, lists and mappings, as a model takes and gives them, down to a depth."""
    if isinstance(value, Tensor):
        return [value]
    if not depth or not isinstance(value, (tuple, list, Mapping)):
        return []
    parts = value.values() if isinstance(value, Mapping) else value
    return [tensor for one in parts for tensor in tensors_in(one, depth=depth - 1)]
