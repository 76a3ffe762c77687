"""A run whose steps come from hooks on a model: the one place where the session meets PyTorch."""

from collections.abc import Sequence

from torch import nn
from torch.optim import Optimizer

from ergoscope.session import Run
from ergoscope.shards import count_parts
from ergoscope.taps import attach


def watched(
    run: Run,
    model: nn.Module,
    optimizer: Optimizer | Sequence[Optimizer],
    *,
    start_step: int,
    examples_per_backward: int | None = None,
) -> Run:
    """Place the hooks and start the run, so that its first words hold the optimizer's hyper-parameters.

    Raises:
        TypeError, ValueError: as `ergoscope.taps.attach`; the run is taken back.
    """
    try:
        taps = attach(
            model,
            optimizer,
            run.outlet,
            budget=run.settings.budget,
            start_step=start_step,
            examples_per_backward=examples_per_backward,
        )
    except BaseException:
        run.abandon()
        raise
    run.config.update({key: value for key, value in taps.config().items() if key not in run.config})
    several = [optimizer] if isinstance(optimizer, Optimizer) else optimizer
    parts = count_parts(p for one in several for group in one.param_groups for p in group["params"])
    return run.start(taps=taps, parts=parts)
