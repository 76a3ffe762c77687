"""Products with the Gauss-Newton part of a Hessian, JᵀH_fJ, of a loss on a fixed batch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ergoscope.curvature.given import in_own_containers, tensors_in
from ergoscope.curvature.guard import default_generators, guarded
from ergoscope.curvature.objective import Objective
from ergoscope.curvature.outputs import outputs_of
from ergoscope.curvature.passes import Casts, Pass, casts_on
from ergoscope.curvature.products import HessianProducts
from ergoscope.curvature.replay import rehearse, replayed_products
from ergoscope.curvature.tail import Tail


class _Begun(NamedTuple):
    """What a pass began with, as `Pass` keeps it."""

    args: tuple[object, ...]
    kwargs: dict[str, object]
    versions: tuple[int, ...]
    states: tuple[tuple[torch.Generator, Tensor], ...]
    casts: tuple[Casts, ...]


@dataclass(frozen=True, slots=True)
class Fitted:
    """The products, and how far the model, run once more, is from its first run: above 1 it is another function."""

    products: HessianProducts
    drift: Tensor


@contextmanager
def fitted_products(objective: Objective, parameters: Sequence[Tensor], *, seed: int) -> Iterator[Fitted]:
    """Run the batch, and its model once more, and take products while the context lasts; the job cannot tell.

    Args:
        objective: Model, batch and loss, which runs the model once.
        parameters: Over which the products are taken.
        seed: Of every random draw.

    Raises:
        ValueError: The loss runs the model more or less than once or on what may change, or its tail cannot be told
            from the model, or the model cannot be differentiated twice.
    """
    with guarded(objective.model, seed=seed), torch.enable_grad():
        loss, run = _passed(objective)
        tail = Tail.of(loss, run, parameters)
        seen = rehearse(tail, run, parameters)
        if seen.survey.obstacle:
            raise ValueError(seen.survey.obstacle)
        if seen.survey.custom:
            raise ValueError("functions of the job's own are in the model")
        with replayed_products(tail, run, parameters, gauss_newton=True) as products:
            yield Fitted(products, seen.drift)


def _passed(objective: Objective) -> tuple[Tensor, Pass]:
    """The loss, and the one forward pass that it comes from."""
    model, devices = objective.model, sorted({p.device.type for p in objective.model.parameters()})
    begun: list[_Begun] = []
    passes: list[Pass] = []

    def enter(_: nn.Module, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
        given = in_own_containers((args, kwargs))
        versions = tuple(t._version for t in tensors_in(given))
        states = tuple((generator, generator.get_state()) for generator in default_generators(model))
        begun.append(_Begun(*given, versions, states, casts_on("cpu", *devices)))

    def leave(_: nn.Module, __: object, output: object) -> None:
        at = begun.pop()
        passes.append(Pass(model, at.args, at.kwargs, at.versions, outputs_of(output), at.states, at.casts))

    hooks = model.register_forward_pre_hook(enter, with_kwargs=True), model.register_forward_hook(leave)
    try:
        loss = objective.mean()
    finally:
        for hook in hooks:
            hook.remove()
    if len(passes) != 1:
        raise ValueError(f"the loss runs the model {len(passes)} times; it must do so once")
    return loss, passes[0]
