"""The job's own loss on a batch that stays the same: what a measurement runs once more."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar, cast

import torch
from torch import Tensor, distributed, nn

from ergoscope.curvature.fingerprint import fingerprint
from ergoscope.curvature.guard import guarded
from ergoscope.curvature.halving import divided, halved, rows_of
from ergoscope.curvature.vectors import wide_dtype
from ergoscope.shards import is_flat, is_spread, seat

Batch = TypeVar("Batch")


@dataclass(frozen=True, slots=True, eq=False)
class Objective:
    """A model, and what gives its loss on the fixed batch.

    model: runs without wrappers that talk to other processes or compile; the parameters are those of the job.
    evaluate: called with it.
    copies: processes that hold a copy of the model and average their gradients.
    smaller: gives the same on the first half of the batch; None when there is none.
    rows: examples of the batch, where that can be told.
    parts: gives the same on each of so many equal parts of the batch; none where it cannot be divided.
    batch: identity of the batch as it was given, see `fingerprint`.
    """

    model: nn.Module
    evaluate: Callable[[nn.Module], object]
    copies: int = 1
    smaller: "Callable[[], Objective | None]" = lambda: None
    rows: int | None = None
    batch: str = ""
    parts: "Callable[[int], list[Objective]]" = lambda _: []

    @classmethod
    def of(
        cls, model: nn.Module, probe: Batch | None, loss_fn: Callable[[nn.Module, Batch], Tensor] | None
    ) -> "Objective | None":
        """Make it of what the user gave; None when that is nothing. The batch is kept as it is, where it is.

        Raises:
            TypeError: `loss_fn` cannot be called.
            ValueError: One of the two is missing.
        """
        given: object = loss_fn
        if given is not None and not callable(given):
            raise TypeError(
                f"loss_fn is a {type(given).__name__}; it must be a function of the model and the probe batch"
            )
        if loss_fn is None and probe is None:
            return None
        if loss_fn is None:
            raise ValueError(
                "probe is given without loss_fn; give both, loss_fn(model, probe) being the loss of each example"
            )
        if probe is None:
            raise ValueError("loss_fn is given without probe; give both, probe being a fixed batch that loss_fn takes")
        return replace(cls._on(probe, loss_fn, *_unwrap(model)), batch=fingerprint(probe))

    @classmethod
    def _on(
        cls, batch: Batch, function: Callable[[nn.Module, Batch], Tensor], model: nn.Module, copies: int
    ) -> "Objective":
        def smaller() -> "Objective | None":
            half = halved(batch)
            return None if half is None else cls._on(half, function, model, copies)

        def parts(count: int) -> "list[Objective]":
            return [cls._on(part, function, model, copies) for part in divided(batch, count)]

        return cls(model, lambda one: function(one, batch), copies, smaller, rows_of(batch), parts=parts)

    def losses(self, *, seed: int) -> object:
        """Run the model on the batch now, without gradients, without a trace in the job.

        Args:
            seed: Of every random draw in it, so that equal seeds mean equal masks.

        Returns:
            What the user's function gave; a tensor as a copy in fp32, or in fp64 when it is in that.
        """
        with guarded(self.model, seed=seed), torch.no_grad():
            given = self.evaluate(self.model)
            if not isinstance(given, Tensor) or not given.is_floating_point():
                return given
            wide = torch.float64 if given.dtype == torch.float64 else torch.float32
            return given.detach().to(wide, copy=True)

    def mean(self) -> Tensor:
        """The mean loss with its graph, if gradients are on; to be called and done with inside the guard.

        Losses of single examples are averaged in fp64 (fp32 on Apple's devices), so that small changes can be seen.

        Raises:
            ValueError: The user's function gives no losses.
        """
        given = self.evaluate(self.model)
        if not isinstance(given, Tensor) or not given.is_floating_point():
            kind = given.dtype if isinstance(given, Tensor) else type(given).__name__
            raise ValueError(f"loss_fn must give a tensor of losses, and gives {kind}")
        return given.to(wide_dtype(given.device)).mean()

    def obstacle(self) -> str:
        """Why one process must not run the model by itself now; empty when it may.

        A pass that waits for the other processes, which do not take it, would wait for ever.
        """
        return _obstacle(self.model, self.copies)


def unwrapped(model: nn.Module) -> nn.Module:
    """The model inside of what compiles it or copies it over processes."""
    return _unwrap(model)[0]


def obstacle_to(model: nn.Module) -> str:
    """Why one process must not run a model, which is as the user has it, by itself now; empty when it may."""
    return _obstacle(*_unwrap(model))


def _unwrap(model: nn.Module) -> tuple[nn.Module, int]:
    """The model inside of what compiles or copies it, and how many processes hold a copy."""
    copies = 1
    while True:
        inner = getattr(model, "_orig_mod", None)
        if type(model).__name__ == "DistributedDataParallel":
            copies = cast(distributed.ProcessGroup, model.process_group).size()
            inner = model.module
        if not isinstance(inner, nn.Module):
            return model, copies
        model = inner


def _obstacle(model: nn.Module, copies: int) -> str:
    if any(is_spread(p) or is_flat(p) or hasattr(p, "ds_id") for p in model.parameters()):
        return "its parameters are spread over processes, and one alone cannot run it"
    world = seat().world
    if world == 1:
        return ""
    if copies != world:
        return (
            f"{world} processes train together, and the watched model is not one DistributedDataParallel over all "
            "of them, so it may have to wait for the others"
        )
    if any(isinstance(module, nn.SyncBatchNorm) for module in model.modules()):
        return "its SyncBatchNorm waits for the other processes"
    return ""
