"""The verbs of a training script: watch, init, log, finish, and the run that they mean."""

import os
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeVar, Unpack

from ergoscope.client import Client
from ergoscope.credentials import find_token
from ergoscope.errors import MissingTorchError, ServerError, UnknownRunError
from ergoscope.lifetime.notebook import running_cell
from ergoscope.names import read_place
from ergoscope.opening import check_resume, open_run
from ergoscope.session import Run
from ergoscope.settings import Knobs, Settings
from ergoscope.voice import Voice

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

    from ergoscope.curvature.plan import Asked, Curvature

Batch = TypeVar("Batch")
CHECK_S = 3.0
_runs: list[Run] = []  # `ergoscope.log` names no run, so the process must remember which is the newest
_watched: "list[tuple[Run, list[weakref.ref[object]]]]" = []  # each with its model and optimizers


def init(*, config: object = None, **knobs: Unpack[Knobs]) -> Run:
    """Begin a run that only records what `log` is given.

    A run that is open already stays open beside the new one; `ergoscope.log` and `ergoscope.finish` mean the newest.
    In a notebook, a cell that is run again ends the run that it began before.

    Args:
        config: A dictionary, a dataclass or a namespace, shown with the run and compared between runs.
        **knobs: Fields of `Settings`, such as `project`, `name`, `tags`, `group`, `mode` ("online", "offline" or
            "disabled"), `dir`, `base_url`. With `run_id` a run that exists goes on, as a new attempt; with
            `fork_from="RUN@STEP"` a new run begins with the history of another, up to that step. What is not given is
            taken from the environment (ERGOSCOPE_PROJECT and so on), then from the defaults.

    Raises:
        SettingError: a setting is unknown or not allowed, the folder cannot be written, or `resume` does not fit.
        RingError: there is no room for the memory shared with the sidecar.
        TypeError: `config` is no configuration.
    """
    return _remember(_open(_read(knobs), config).start())


def watch(
    model: "nn.Module",
    optimizer: "Optimizer | Sequence[Optimizer]",
    *,
    config: object = None,
    start_step: int | None = None,
    examples_per_backward: int | None = None,
    probe: Batch | None = None,
    loss_fn: "Callable[[nn.Module, Batch], Tensor] | None" = None,
    curvature: "Asked | Curvature | None" = None,
    **knobs: Unpack[Knobs],
) -> Run:
    """Begin a run and measure a model's training from now on; training itself stays the same, bit for bit.

    A run that is open already stays open beside the new one; `ergoscope.log` and `ergoscope.finish` mean the newest.
    The same model and optimizer are not watched twice: while a run of theirs is open, it is given back and goes on.

    Args:
        model: Whose parameters are measured.
        optimizer: The optimizer, or several; the first one's steps are the run's steps.
        config: As in `init`; hyper-parameters of the optimizer are added to it.
        start_step: Steps done before, for a job that goes on from a checkpoint; else the step of `fork_from`, or 0.
        examples_per_backward: Examples in one backward pass of one process. With it the noise scale of the gradient is
            given in examples; without it, in rows of the model's output where a batch can be split, else in backward
            passes.
        probe: A fixed batch of training data, a few hundred examples, on the model's device. It is kept as it is and
            run forward now and then, for what takes a second pass; training does not notice.
        loss_fn: Given with `probe`: `loss_fn(model, probe)` gives the loss of each example, shape (n,), or one number
            for all, of which less is measured. It must use the model that it is handed, which is without wrappers.
        curvature: "model" follows the sharpness of the loss against what the optimizer holds, within the same budget,
            on the probe batch where one is given, else on the training's own; "blocks" and "last" do so for parts of
            the model. A `Curvature` says more. None leaves second derivatives alone.
        **knobs: As in `init`, and `budget`, the share of a step's time that measuring may take (0.02).

    Raises:
        MissingTorchError: PyTorch cannot be imported.
        TypeError, ValueError: `model`, `optimizer` or `curvature` is none, or `probe` and `loss_fn` are not both given
            as said.
        SettingError, RingError: as in `init`.
    """
    settings = _read(knobs)
    if settings.mode == "disabled":
        return _remember(_open(settings, config).start())
    _end_former()
    same = _same(model, optimizer)
    if same is not None:
        return _go_on(same, config)
    try:
        from ergoscope.watching import watched
    except ImportError as error:
        if error.name and error.name.partition(".")[0] == "ergoscope":
            raise
        raise _without_torch(error) from None
    run = watched(
        _open(settings, config),
        model,
        optimizer,
        start_step=_forked_at(settings) if start_step is None else start_step,
        examples_per_backward=examples_per_backward,
        probe=probe,
        loss_fn=loss_fn,
        curvature=curvature,
    )
    _remember(run)
    _watched.append((run, [weakref.ref(one) for one in (model, *_several(optimizer))]))
    return run


def log(data: Mapping[str, object], step: int | None = None) -> None:
    """Record a row in the newest open run; see `Run.log`."""
    run = newest()
    if run is not None:
        run.log(data, step)
    else:
        _stray.once("log", "log() was called outside a run; call ergoscope.init() or ergoscope.watch() first")


def finish() -> None:
    """End the newest open run; see `Run.finish`."""
    run = newest()
    if run is not None:
        run.finish()


def alert(title: str, text: str = "", *, level: Literal["info", "warn", "crit"] = "info") -> None:
    """Mark something in the newest open run; see `Run.alert`."""
    run = newest()
    if run is not None:
        run.alert(title, text, level=level)


def newest() -> Run | None:
    """Give the newest open run of this process."""
    _runs[:] = [run for run in _runs if run.open]
    return _runs[-1] if _runs else None


_stray = Voice(silent=os.environ.get("ERGOSCOPE_SILENT", "").lower() in {"1", "true", "yes", "on"})


def _read(knobs: Knobs) -> Settings:
    return Settings.read(os.environ, **knobs)


def _remember(run: Run) -> Run:
    newest()  # forgets those that have ended
    _runs.append(run)
    return run


def _forked_at(settings: Settings) -> int:
    place = read_place(settings.fork_from)
    return 0 if place is None else place[1]


def _several(optimizer: "Optimizer | Sequence[Optimizer]") -> "list[Optimizer]":
    return list(optimizer) if isinstance(optimizer, Sequence) else [optimizer]


def _same(model: "nn.Module", optimizer: "Optimizer | Sequence[Optimizer]") -> Run | None:
    """Give the open run that watches just these."""
    _watched[:] = [(run, seen) for run, seen in _watched if run.open]
    wanted = {id(one) for one in (model, *_several(optimizer))}
    for run, seen in _watched:
        if {id(ref()) for ref in seen} == wanted:
            return run
    return None


def _go_on(run: Run, config: object) -> Run:
    run.config.update(config)
    _stray.once("same", f"this model and optimizer are watched already: run {run.name} goes on; finish() ends it")
    return run


def _without_torch(error: ImportError) -> MissingTorchError:
    return MissingTorchError(
        f"watch() measures a PyTorch model, but torch cannot be imported ({error}); install it with "
        "`pip install 'ergoscope[agent]'`, or record your own numbers with ergoscope.init() and run.log()"
    )


def _end_former() -> None:
    """End the runs that an earlier execution of the running notebook cell began."""
    cell = running_cell()
    for run in _runs:
        if cell is not None and run.open and run.cell is not None and cell.repeats(run.cell):
            run.finish()


def _open(settings: Settings, config: object) -> Run:
    _end_former()
    if settings.mode == "online" and settings.run_id and settings.resume != "allow":
        check_resume(settings, lambda identity: _exists(settings, identity))
    return open_run(settings, config)


def _exists(settings: Settings, identity: str) -> bool:
    """Ask the server; when none answers, let the run begin: its numbers must not be lost."""
    key = find_token(settings.base_url, settings.api_key or None)
    client = Client(settings.base_url, api_key=key, timeout_s=CHECK_S)
    try:
        client.run(identity)
    except UnknownRunError:
        return False
    except ServerError:
        return settings.resume == "must"
    finally:
        client.close()
    return True
