"""Which processes of a job hold which part of a parameter, so that every entry is counted exactly once.

The squares of a norm add up over disjoint parts. So each process takes the norm of the part that it holds, without
talking to the others, and of parts that several hold alike only one process does: the first copy along every
replicated dimension of the device mesh, and rank 0 for a tensor that is not distributed at all.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from torch import Tensor, distributed


@dataclass(frozen=True, slots=True)
class Seat:
    """This process among those that train together."""

    rank: int = 0
    world: int = 1


def seat() -> Seat:
    """Where this process sits in torch's default process group; alone while there is none."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return Seat()
    return Seat(distributed.get_rank(), distributed.get_world_size())


def is_spread(tensor: Tensor) -> bool:
    """Whether a tensor is a distributed one, of which this process holds a part or a copy."""
    return hasattr(tensor, "_local_tensor")


def local(tensor: Tensor) -> Tensor:
    """What this process holds of a tensor: no copy, no communication."""
    return cast(Tensor, getattr(tensor, "_local_tensor", tensor))


def answering(tensor: Tensor) -> tuple[int, ...] | None:
    """Ranks whose local parts make up the tensor, every entry once.

    A mesh without rank 0 holds copies of what the mesh with rank 0 has, as where tensor parallelism stands inside data
    parallelism: then nobody in it answers.

    Returns:
        The ranks; None where no norm can be had without communication: where the parts are summands of which the
        tensor is the sum ("partial"), and where it is a stretch of FSDP's first version.
    """
    if is_flat(tensor):
        return None
    if not is_spread(tensor):
        return (0,)
    placements = tensor.placements  # type: ignore[attr-defined]  # a distributed tensor has it
    if any(placement.is_partial() for placement in placements):
        return None
    mesh: Tensor = tensor.device_mesh.mesh  # type: ignore[attr-defined]  # as above; a tensor of ranks in host memory
    if not bool((mesh == 0).any()):
        return ()
    first_copy = tuple(0 if placement.is_replicate() else slice(None) for placement in placements)
    return tuple(mesh[first_copy].flatten().tolist())


def count_parts(parameters: Iterable[Tensor]) -> int:
    """Processes whose parts make the norms of a model whole: 1 when rank 0 alone has everything.

    Every process of the job comes to the same number.
    """
    ranks: set[int] = set()
    for parameter in parameters:
        ranks.update(answering(parameter) or ())
    return max(len(ranks), 1)


def is_partial(gradient: Tensor | None) -> bool:
    """Whether a gradient is still a summand that waits for those of the other processes."""
    return gradient is not None and any(p.is_partial() for p in getattr(gradient, "placements", ()))


def is_flat(parameter: Tensor) -> bool:
    """Whether a parameter belongs to FSDP's first version, which keeps stretches of many layers in one flat tensor."""
    return hasattr(parameter, "_fsdp_flattened")
