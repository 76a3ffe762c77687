"""Accelerate: a tracker that records, and `watch` to measure in its run.

    accelerator = Accelerator(log_with=ErgoscopeTracker("mine"))
    accelerator.init_trackers("mine", config={"lr": 0.1})
    model, optimizer, data = accelerator.prepare(model, optimizer, data)
    watch(accelerator, model, optimizer)

Where Accelerate can register trackers (from 1.15), `log_with="ergoscope"` does as well.
"""

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Unpack

from torch import Tensor, nn
from torch.optim import Optimizer

from ergoscope.current import watch as watch_plainly
from ergoscope.integrations.absence import missing
from ergoscope.integrations.hosted import Hosted, Looks, StandIn
from ergoscope.session import Run
from ergoscope.settings import Knobs, Settings
from ergoscope.voice import Voice

try:
    from accelerate import PartialState
    from accelerate.tracking import GeneralTracker
except ImportError as error:
    raise missing("Accelerate", "accelerate", error) from None

if TYPE_CHECKING:
    from accelerate import Accelerator

    from ergoscope.curvature.plan import Asked, Curvature


class ErgoscopeTracker(GeneralTracker):
    """Records what `accelerator.log` says, in the main process; `accelerator.end_training` ends the run."""

    name = "ergoscope"
    requires_logging_directory = False
    main_process_only = True

    def __init__(self, project_name: str = "", *, config: object = None, **knobs: Unpack[Knobs]) -> None:
        """Read the settings.

        Args:
            project_name: The run's project, unless `project` is among the settings.
            config: Shown with the run, beside what `init_trackers` is given.
            **knobs: As in `ergoscope.init`.

        Raises:
            SettingError: a setting is unknown or not allowed.
            TypeError: `config` is no configuration.
        """
        super().__init__()
        if project_name:
            knobs.setdefault("project", project_name)
        self.hosted = Hosted(config, **knobs)
        self._tracker = StandIn(self.hosted, _leads)

    @property
    def tracker(self) -> StandIn:
        """The run; in processes other than the main one, one that records nothing."""
        return self._tracker

    def store_init_configuration(self, values: Mapping[str, object]) -> None:
        """Add to the run's configuration."""
        self.hosted.configure(values)

    def log(self, values: Mapping[str, object], step: int | None = None, **kwargs: object) -> None:
        """Record a row; without a step, at the watched optimizer's, or one more than the last."""
        if _leads():
            self.hosted.begin()
            self.hosted.log(values, step)

    def finish(self) -> None:
        """End the run."""
        self.hosted.finish()


def watch(
    accelerator: "Accelerator",
    model: nn.Module,
    optimizer: Optimizer | Sequence[Optimizer],
    *,
    start_step: int | None = None,
    curvature: "Asked | Curvature | None" = None,
    probe: object = None,
    loss_fn: Callable[..., Tensor] | None = None,
    **knobs: Unpack[Knobs],
) -> Run | None:
    """Measure a training; training itself stays the same, bit for bit. Call it in every process, before the first step.

    Args:
        accelerator: When it has an `ErgoscopeTracker`, that one's run is the one that measures.
        model: The prepared model.
        optimizer: The prepared optimizer, or several; the first one's steps are the run's steps.
        start_step: Steps done before, for a job that goes on from a checkpoint; else as in `ergoscope.watch`.
        curvature: As in `ergoscope.watch`, and so are the next two; "model" follows the sharpness.
        probe: A fixed batch of training data.
        loss_fn: Given with `probe`: the loss of each of its examples.
        **knobs: As in `ergoscope.watch`; beside a tracker only `budget` counts.

    Returns:
        The run; None where it could not be opened, and, beside a tracker that was asked for by its name, in processes
        other than the main one and before `init_trackers`.

    Raises:
        TypeError, ValueError: `model` or `optimizer` is none; a tracker says so instead and goes on.
        SettingError: a setting is unknown or not allowed.
    """
    looks: Looks = {"curvature": curvature, "probe": probe, "loss_fn": loss_fn}
    known = [*accelerator.trackers, *accelerator.log_with]  # trackers are there in the main process only
    hosted = next((one.hosted for one in known if isinstance(one, ErgoscopeTracker)), None)
    if hosted is not None:
        budget = Settings.read(os.environ, **knobs).budget
        hosted.watch(model, optimizer, start_step=start_step or 0, looks=looks, budget=budget)
        return hosted.run
    if ErgoscopeTracker.name in known:
        if _leads():
            Voice(silent=Settings.read(os.environ, **knobs).silent).say(
                "nothing is measured: watch() came before accelerator.init_trackers(); call that first"
            )
        return None  # only the main process was told the project
    return watch_plainly(model, optimizer, start_step=start_step, **looks, **knobs)


def _leads() -> bool:
    return bool(PartialState().is_main_process)


with contextlib.suppress(ImportError):  # older versions take the tracker itself only
    from accelerate.tracking import register_tracker_class

    register_tracker_class(ErgoscopeTracker)
