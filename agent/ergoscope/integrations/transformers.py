"""The Hugging Face Trainer: a callback that measures and records.

    trainer = Trainer(model, args, callbacks=[ErgoscopeCallback(project="mine")], ...)

or, since importing this module registers it, `import ergoscope.integrations.transformers` and then
`TrainingArguments(report_to="ergoscope")`, with settings from the environment.
"""

import atexit
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Unpack

from torch import Tensor, nn
from torch.optim import Optimizer

from ergoscope.integrations.absence import missing
from ergoscope.integrations.hosted import Hosted, Looks
from ergoscope.session import Run
from ergoscope.settings import Knobs

try:
    from transformers import TrainerCallback
    from transformers.integrations import INTEGRATION_TO_CALLBACK
except ImportError as error:
    raise missing("Transformers", "transformers", error) from None

if TYPE_CHECKING:
    from transformers import TrainerControl, TrainerState, TrainingArguments

    from ergoscope.curvature.plan import Asked, Curvature

UNENDED = "the training did not reach its end"
_PARTS = ("eval", "test")


class ErgoscopeCallback(TrainerCallback):
    """Measures a training and records what the Trainer logs, as "train/loss", "eval/loss" and so on.

    In a distributed job every process measures what it holds, and that of rank zero records what is logged. The run
    ends with the training; what is logged after that, as by `trainer.evaluate()`, is added as a further attempt.

    The Trainer tells callbacks nothing of an exception. One that nobody catches ends the run as failed, with its text;
    after one that is caught, the next `train()` or the end of the process does, or `callback.run.finish(reason=...)`.
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
            config: Shown with the run, beside the training arguments and the model's configuration.
            curvature: As in `ergoscope.watch`, and so are the next two; "model" follows the sharpness.
            probe: A fixed batch of training data.
            loss_fn: Given with `probe`: the loss of each of its examples.
            **knobs: As in `ergoscope.watch`; without `name`, `TrainingArguments.run_name` is the run's.

        Raises:
            SettingError: a setting is unknown or not allowed.
            TypeError: `config` is no configuration.
        """
        super().__init__()
        self._hosted = Hosted(config, **knobs)
        self._looks: Looks = {"curvature": curvature, "probe": probe, "loss_fn": loss_fn}

    @property
    def run(self) -> Run | None:
        """The newest run; None before the first training."""
        return self._hosted.run

    def on_train_begin(
        self,
        args: "TrainingArguments",
        state: "TrainerState",
        control: "TrainerControl",
        model: nn.Module | None = None,
        optimizer: Optimizer | None = None,
        **kwargs: object,
    ) -> None:
        """Begin to measure; by now the optimizer exists and a checkpoint is restored."""
        self._hosted.finish(UNENDED)  # of an earlier training that failed
        self._hosted.watch(
            model,
            optimizer,
            start_step=state.global_step,
            config=lambda: _told(args, model),
            looks=self._looks,
            **_named(args, state),
        )
        atexit.register(self._on_exit)  # after the run's own, so it is called before that

    def on_log(
        self,
        args: "TrainingArguments",
        state: "TrainerState",
        control: "TrainerControl",
        logs: Mapping[str, object] | None = None,
        model: nn.Module | None = None,
        **kwargs: object,
    ) -> None:
        """Record a row."""
        if not state.is_world_process_zero or not logs:
            return
        late = self._hosted.open is None
        if late:
            self._hosted.begin(lambda: _told(args, model), **_named(args, state))
        self._hosted.log({_placed(key): value for key, value in logs.items()}, state.global_step)
        if late:
            self._hosted.finish()

    def on_train_end(
        self, args: "TrainingArguments", state: "TrainerState", control: "TrainerControl", **kwargs: object
    ) -> None:
        """End the run."""
        atexit.unregister(self._on_exit)
        self._hosted.finish()

    def _on_exit(self) -> None:
        known = self._hosted.run.parting if self._hosted.run else ""
        self._hosted.finish(f"{UNENDED}: {known}" if known else UNENDED)


def _placed(key: str) -> str:
    """Name a number as the Trainer's other reporters do: its "train_loss" is the mean of the whole training."""
    part, found, rest = key.partition("_")
    return f"{part}/{rest}" if found and part in _PARTS else f"train/{key}"


def _told(args: "TrainingArguments", model: object) -> dict[str, object]:
    """The training's configuration; `to_dict` of the arguments leaves tokens out."""
    told: dict[str, object] = dict(args.to_dict())
    config = getattr(model, "config", None)
    if config is not None:
        told["model_config"] = dict(config) if isinstance(config, Mapping) else getattr(config, "to_dict", dict)()
    return told


def _named(args: "TrainingArguments", state: "TrainerState") -> Knobs:
    """The run's name as the Trainer has it, and its group when it is a trial of a search."""
    given = args.run_name if args.run_name and args.run_name != args.output_dir else None
    return {"name": state.trial_name, "group": given} if state.trial_name else {"name": given}


INTEGRATION_TO_CALLBACK.setdefault("ergoscope", ErgoscopeCallback)
