"""A forward pass of the job's model that is remembered, and which of its outputs the loss was made of."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

_DEPTH = 32  # containers within containers: deeper ones hold themselves


@dataclass(frozen=True, slots=True)
class Pass:
    """One forward pass of the job's model, kept by reference.

    model: what ran, without what compiles it or copies it over processes.
    args, kwargs: what it was given; versions: of the tensors among them, in the order of `tensors_in`.
    output: what it gave.
    generators: the states of torch's generators before it, each with its generator.
    """

    model: nn.Module
    args: tuple[object, ...]
    kwargs: Mapping[str, object]
    versions: tuple[int, ...]
    output: object
    generators: tuple[tuple[torch.Generator, Tensor], ...]

    @property
    def altered(self) -> bool:
        """Whether an input was changed in place since."""
        return self.versions != tuple(t._version for t in tensors_in((self.args, self.kwargs)))


def tensors_in(value: object, *, depth: int = _DEPTH) -> list[Tensor]:
    """List the tensors of nested tuples, lists and mappings, as a model takes and gives them, down to a depth."""
    if isinstance(value, Tensor):
        return [value]
    if not depth or not isinstance(value, (tuple, list, Mapping)):
        return []
    parts = value.values() if isinstance(value, Mapping) else value
    return [tensor for one in parts for tensor in tensors_in(one, depth=depth - 1)]


def heads(loss: Tensor, output: object) -> list[int]:
    """Find through which tensors of a model's output its loss goes; numbers in the order of `tensors_in`.

    A model may give its loss itself, beside the logits; then the loss alone is meant.
    """
    outputs = tensors_in(output)
    for number, one in enumerate(outputs):
        if one is loss or (one.grad_fn is not None and one.grad_fn is loss.grad_fn):
            return [number]
    wanted = [number for number, one in enumerate(outputs) if one.requires_grad and one.is_floating_point()]
    if not wanted or loss.grad_fn is None:
        return []
    through = torch.autograd.grad(loss, [outputs[n] for n in wanted], retain_graph=True, allow_unused=True)
    return [number for number, found in zip(wanted, through, strict=True) if found is not None]
