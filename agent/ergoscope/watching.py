"""A run whose steps come from hooks on a model: the one place where the session meets PyTorch."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from torch import Tensor, nn
from torch.optim import Optimizer

from ergoscope.capture import describe_data
from ergoscope.curvature.objective import Objective
from ergoscope.curvature.plan import Asked as Wanted
from ergoscope.curvature.plan import Curvature
from ergoscope.layers import parameters_of
from ergoscope.session import Run
from ergoscope.shards import count_parts
from ergoscope.taps import attach
from ergoscope.twins.asked import Asked
from ergoscope.twins.witness import bear_witness
from ergoscope_contract.records import JsonObject

Batch = TypeVar("Batch")


def watched(
    run: Run,
    model: nn.Module,
    optimizer: Optimizer | Sequence[Optimizer],
    *,
    start_step: int,
    examples_per_backward: int | None = None,
    probe: Batch | None = None,
    loss_fn: Callable[[nn.Module, Batch], Tensor] | None = None,
    curvature: Wanted | Curvature | None = None,
) -> Run:
    """Place the hooks and start the run, so that its first words hold the optimizer's hyper-parameters.

    Raises:
        TypeError, ValueError: as `ergoscope.taps.attach`; the run is taken back.
    """
    try:
        asked = Asked.read(os.environ)
        taps = attach(
            model,
            optimizer,
            run.outlet,
            budget=run.settings.budget,
            start_step=start_step,
            examples_per_backward=examples_per_backward,
            probe=probe,
            loss_fn=loss_fn,
            curvature=curvature,
            requests=run.outlet.requests,
        )
    except BaseException:
        run.abandon()
        raise
    if asked is not None:
        bear_witness(model, optimizer, Objective.of(model, probe, loss_fn), asked, start_step)
    told = {**_data(run), **taps.config()}
    run.config.update({key: value for key, value in told.items() if key not in run.config})
    several = [optimizer] if isinstance(optimizer, Optimizer) else optimizer
    parts = count_parts(p for one in several for p in parameters_of(one))
    return run.start(taps=taps, parts=parts)


def _data(run: Run) -> JsonObject:
    if not run.settings.save_code or run.outlet.inert:
        return {}
    try:
        loaders = describe_data(sys._getframe())
    except Exception:  # whatever there is among a process's objects, a training begins
        return {}
    return {"data": loaders} if loaders else {}
