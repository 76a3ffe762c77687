"""Which modules are nonlinearities, what their units are, and how many of these are silent."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

LIMIT = 262_144  # entries of one output that are looked at
_RECTIFIERS = (nn.ReLU, nn.ReLU6, nn.Threshold, nn.Hardtanh)
_SMOOTH = (nn.GELU, nn.SiLU, nn.Mish, nn.ELU, nn.CELU, nn.Softplus)
_SMOOTH_NAMES = ("gelu", "silu", "swish", "mish")  # libraries bring their own classes of these names
_FAINT = 1e-3  # of the layer's root mean square: what counts as zero after a smooth nonlinearity
_CHANNELS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.GroupNorm)
_FEATURES = (nn.Linear, nn.LayerNorm, nn.RMSNorm, nn.Embedding)


@dataclass(frozen=True, slots=True)
class Nonlinearity:
    """A module whose output is looked at.

    name: as in `named_modules`. channels: whether units are channels (dimension 1) rather than the last dimension.
    faint: share of the root mean square below which an entry is silent; 0 for exact zeros alone.
    """

    name: str
    module: nn.Module
    channels: bool
    faint: float


def nonlinearities(model: nn.Module) -> list[Nonlinearity]:
    """Find the nonlinearities that are modules, in the order of `named_modules`.

    Functions such as `torch.relu` leave no module and are not found. What counts as a unit follows from the layer that
    stands before in that order: channels after a convolution or batch norm, features after a linear layer.
    """
    found: list[Nonlinearity] = []
    channels = False
    for name, module in model.named_modules():
        if isinstance(module, _CHANNELS):
            channels = True
        elif isinstance(module, _FEATURES):
            channels = False
        elif isinstance(module, torch.jit.ScriptModule):
            continue
        elif isinstance(module, _RECTIFIERS):
            found.append(Nonlinearity(name, module, channels, 0.0))
        elif isinstance(module, _SMOOTH) or _named_smooth(module):
            found.append(Nonlinearity(name, module, channels, _FAINT))
    return found


def _named_smooth(module: nn.Module) -> bool:
    kind = type(module).__name__.lower()
    return not any(True for _ in module.children()) and any(name in kind for name in _SMOOTH_NAMES)


@dataclass(frozen=True, slots=True)
class Silence:
    """Of one output: `zeros` silent entries of `entries` (0-dim), the units that were not silent, examples seen."""

    zeros: Tensor
    entries: int
    alive: Tensor
    examples: int


def silence(output: Tensor, *, channels: bool, faint: float, limit: int = LIMIT) -> Silence | None:
    """Count the silent entries of a nonlinearity's output and mark the units that are not silent.

    Args:
        output: Shape (examples, ...); real and floating. Of more than `limit` entries the first examples are taken.
        channels: Whether units are dimension 1; otherwise the last.
        faint: An entry is silent when it is at most this share of the root mean square of all; 0: exact zeros.
        limit: Entries to look at, at most; one example is always taken.

    Returns:
        Tensors on the output's device, nothing waited for; None for an output that has no units.
    """
    if output.dim() < 2 or not output.is_floating_point() or not output.numel():
        return None
    examples = min(len(output), max(1, limit * len(output) // output.numel()))
    seen = output.detach()[:examples]
    if faint:
        level = faint * torch.linalg.vector_norm(seen.float()) / seen.numel() ** 0.5
        loud = seen.abs() > level
    else:
        loud = seen != 0
    unit = 1 if channels else loud.dim() - 1
    others = [d for d in range(loud.dim()) if d != unit]
    heard = loud.sum(dim=others)
    return Silence(loud.numel() - heard.sum(), loud.numel(), heard > 0, examples)
