"""Lightning: a callback that measures, a logger that records, and one run when both are there.

    trainer = Trainer(callbacks=[ErgoscopeCallback(project="mine")], logger=ErgoscopeLogger(project="mine"))

Works with `lightning` and with `pytorch_lightning`. In a distributed job every process measures what it holds, and rank
zero records what is logged.
"""

import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Unpack

from torch import Tensor

from ergoscope.integrations.absence import missing
from ergoscope.integrations.hosted import Hosted, Looks, StandIn
from ergoscope.lifetime.exits import describe
from ergoscope.session import Run
from ergoscope.settings import Knobs


def _framework() -> tuple[type, type, object]:
    """Give the base classes, and what knows the rank, of both packages: which one the job will use is not known yet.

    Each holds that only its own classes are callbacks, and where both are installed the second takes no time to import.
    """
    packages, errors = [], []
    for name in ("lightning.pytorch", "pytorch_lightning"):
        try:
            packages.append(import_module(name))
        except Exception as error:  # one that is too old for its surroundings fails in any way
            errors.append(error)
    if not packages:
        raise missing("Lightning", "lightning", errors[0]) from None
    callbacks = tuple(package.Callback for package in packages)
    loggers = tuple(package.loggers.Logger for package in packages)
    return type("Callback", callbacks, {}), type("Logger", loggers, {}), packages[0].utilities.rank_zero_only


if TYPE_CHECKING:
    from lightning.pytorch import Callback, LightningModule, Trainer
    from lightning.pytorch.loggers import Logger
    from lightning.pytorch.utilities import rank_zero_only

    from ergoscope.curvature.plan import Asked, Curvature
else:
    Callback, Logger, rank_zero_only = _framework()


class ErgoscopeCallback(Callback):
    """Measures a fit, from the first step to the end or the exception that ends it.

    The run's steps are those of the first optimizer; a fit that goes on from a checkpoint goes on at its step. Beside
    an `ErgoscopeLogger` it measures in the logger's run; of its own settings only `budget` counts then, and what it is
    to measure.
    """

    def __init__(
        self,
        *,
        config: object = None,
        curvature: "Asked | Curvature | None" = None,
        probe: object = None,
        loss_fn: Callable[..., Tensor] | None = None,
        **knobs: Unpack[Knobs],
    ) -> None:
        """Read the settings.

        Args:
            config: Shown with the run, beside the module's hyper-parameters.
            curvature: As in `ergoscope.watch`, and so are the next two; "model" follows the sharpness.
            probe: A fixed batch of training data.
            loss_fn: Given with `probe`: the loss of each of its examples.
            **knobs: As in `ergoscope.watch`.

        Raises:
            SettingError: a setting is unknown or not allowed.
            TypeError: `config` is no configuration.
        """
        super().__init__()
        self._own = self._hosted = Hosted(config, **knobs)
        self._looks: Looks = {"curvature": curvature, "probe": probe, "loss_fn": loss_fn}

    @property
    def run(self) -> Run | None:
        """The run that is measured, or was; None before the first fit."""
        return self._hosted.run

    def on_train_start(self, trainer: "Trainer", pl_module: "LightningModule") -> None:
        """Begin to measure; by now the optimizers exist and a checkpoint is restored."""
        logger = next((one for one in trainer.loggers if isinstance(one, ErgoscopeLogger)), None)
        self._hosted = logger.hosted if logger else self._own
        self._hosted.watch(
            pl_module,
            trainer.optimizers,
            start_step=_steps_done(trainer),
            config=lambda: {**_hyper_parameters(pl_module), **_facts(trainer)},
            looks=self._looks,
            budget=self._own.settings.budget,
        )

    def on_exception(self, trainer: "Trainer", pl_module: "LightningModule", exception: BaseException) -> None:
        """End the run as failed."""
        self._hosted.finish(describe(exception))

    def teardown(self, trainer: "Trainer", pl_module: "LightningModule", stage: str) -> None:
        """End the run when the fit ends; a logger, which is told a moment later, ends its own."""
        if stage == "fit":
            self._own.finish()


class ErgoscopeLogger(Logger):
    """Records what `self.log` and `save_hyperparameters` say.

    Rows keep Lightning's steps, which count from 0: the row 9 belongs to the tenth step of the optimizer. The run ends
    with the fit; what is logged after that, as by `trainer.test`, goes on in it as a further attempt.
    """

    def __init__(self, *, config: object = None, **knobs: Unpack[Knobs]) -> None:
        """Read the settings.

        Args:
            config: Shown with the run, beside the hyper-parameters that Lightning logs.
            **knobs: As in `ergoscope.init`.

        Raises:
            SettingError: a setting is unknown or not allowed.
            TypeError: `config` is no configuration.
        """
        super().__init__()
        self.hosted = Hosted(config, **knobs)
        self._experiment = StandIn(self.hosted, _leads)

    @property
    def experiment(self) -> StandIn:
        """The run; on ranks other than zero, one that records nothing."""
        return self._experiment

    @property
    def name(self) -> str:
        """The run's project."""
        return self.hosted.settings.project

    @property
    def version(self) -> str | None:
        """The run's id; None before it is known."""
        return self.hosted.run.id if self.hosted.run else self.hosted.settings.run_id or None

    @property
    def save_dir(self) -> None:
        """No folder: checkpoints go where the trainer puts them."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Record a row."""
        if _leads():
            self.hosted.begin()
            self.hosted.log(metrics, step)

    def log_hyperparams(self, params: Mapping[str, object] | Namespace, *args: object, **kwargs: object) -> None:
        """Add to the run's configuration."""
        self.hosted.configure(params)

    def finalize(self, status: str) -> None:
        """End the run; a status other than success says that it failed."""
        if status in {"success", "finished"}:
            self.hosted.finish()
            return
        if self.hosted.run is None and _leads():
            self.hosted.begin()  # it failed before there was anything to record, which is worth knowing
        error = sys.exc_info()[1]  # Lightning calls this while it handles the exception
        self.hosted.finish(describe(error) if error else f"Lightning says: {status}")


def _leads() -> bool:
    return getattr(rank_zero_only, "rank", 0) == 0


def _steps_done(trainer: "Trainer") -> int:
    """Steps of the first optimizer before this fit.

    Under manual optimization Lightning counts the steps of all optimizers; they are taken to step equally often.
    """
    done = int(trainer.global_step)
    return done if trainer.lightning_module.automatic_optimization else done // max(1, len(trainer.optimizers))


def _hyper_parameters(module: "LightningModule") -> dict[str, object]:
    return {str(key): value for key, value in dict(getattr(module, "hparams", {})).items()}


def _facts(trainer: "Trainer") -> dict[str, object]:
    names = ("accumulate_grad_batches", "gradient_clip_val", "max_epochs", "max_steps", "precision", "world_size")
    return {"trainer": {name: getattr(trainer, name, None) for name in names}}
