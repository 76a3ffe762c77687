"""A forward pass of the job's model that is remembered, so that it can be run once more."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ergoscope.curvature.given import in_own_containers, tensors_in
from ergoscope.curvature.outputs import Output

_HALVES = (torch.bfloat16, torch.float16)


@dataclass(frozen=True, slots=True)
class Casts:
    """How autocast stood for one kind of device."""

    device: str
    enabled: bool
    dtype: torch.dtype


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """One forward pass of the job's model; tensors are kept by reference, graphs are not kept.

    model: what ran, without what compiles it or copies it over processes.
    args, kwargs: what it was given, in containers of our own; versions: of the tensors among them when it was given
        them, in the order of `tensors_in`.
    outputs: the tensors that it gave.
    generators: the states of torch's generators before it, each with its generator.
    casts: how autocast stood.
    drew: whether it moved one of the generators on.
    """

    model: nn.Module
    args: tuple[object, ...]
    kwargs: Mapping[str, object]
    versions: tuple[int, ...]
    outputs: tuple[Output, ...]
    generators: tuple[tuple[torch.Generator, Tensor], ...] = ()
    casts: tuple[Casts, ...] = ()
    drew: bool = False

    @property
    def altered(self) -> bool:
        """Whether an input was changed in place, by the pass itself or since."""
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
            args, kwargs = in_own_containers((self.args, self.kwargs))
            return self.model(*args, **kwargs)


def casts_on(*devices: str) -> tuple[Casts, ...]:
    """How autocast stands now for kinds of devices."""
    return tuple(Casts(d, torch.is_autocast_enabled(d), torch.get_autocast_dtype(d)) for d in dict.fromkeys(devices))
