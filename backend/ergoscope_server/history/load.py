"""What a verdict needs of a run, read from a store."""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Protocol

import numpy as np

from ergoscope_contract.records import Event, Sketch
from ergoscope_server.history.chronicle import Chronicle
from ergoscope_server.history.due import judgement_due
from ergoscope_server.indicators.assessment import RunData
from ergoscope_server.indicators.displacement import MOST as LOOKS
from ergoscope_server.indicators.invariance import UNSEEN, Looks
from ergoscope_server.indicators.points import NOTHING, FloatArray, IntArray, Points, points
from ergoscope_server.indicators.recipe import recipe_of
from ergoscope_server.indicators.schedule import CONTEXT
from ergoscope_server.indicators.turning import ALIGNED, TURN, TURNS, mean_turn, scale_free
from ergoscope_server.indicators.turning import LOOKS as AT_RIGHT

WINDOW = 12_500  # points before what is new: the longest window and what smoothing needs before it
FLAGS = 2_800  # points that the loss is compared with before anything is called divergence, and what smoothing needs
NORMS = 200  # norms that say whether a run has recovered from values that are not finite
LAYERS = 24  # that are asked whether their scale matters
READINGS = 64  # of the curvature before what is new; few are taken
MOST = 200_000  # points read at once; a run that is further behind is judged from there on
HEAD = 64
LOSS_KEYS = ("loss", "train/loss", "train_loss", "loss/train", "training_loss")
NORM, UPDATE, SKETCH = "grad_norm", "update_norm", "weight_sketch"
SHARPNESS = "sharpness_ratio"
RESETS = ("resume", "data")


class SeriesStore(Protocol):
    """The part of a store that gives series and events."""

    def tail(self, run: str, metric: str, n: int, *, after: int | None = None) -> tuple[IntArray, FloatArray]:
        """Give the newest n points of all ranks as one in step order, those after a step where given."""
        ...

    def head(self, run: str, metric: str, n: int) -> tuple[IntArray, FloatArray]:
        """Give the first n points of all ranks as one in step order."""
        ...

    def events(self, run: str) -> list[Event]:
        """Give a run's events in the order they arrived."""
        ...

    def keys(self, run: str) -> list[str]:
        """Give the names of a run's series."""
        ...

    def sketches(self, run: str, key: str, *, rank: int = 0, limit: int = 500) -> list[Sketch]:
        """Give the newest sketches of a key in step order."""
        ...


def load(
    store: SeriesStore,
    run: str,
    chronicle: Chronicle,
    *,
    last_step: int | None,
    config: Mapping[str, object] | None = None,
    final: bool = False,
) -> RunData:
    """Read the newest part of a run: what came after the chronicle's step, and the window before it.

    The window is that of the longest test where the run may have to be judged, else what flags need.

    A run without a series called "loss" is judged by the first of "train/loss", "train_loss", "loss/train" and
    "training_loss" that it has.

    Args:
        store: Where the series are.
        run: The run's id.
        chronicle: What is known of it already.
        last_step: Its newest step.
        config: Its settings, where the agent wrote down the optimizer.
        final: Whether the run has ended, so that it is judged once more.
    """
    keys, events = store.keys(run), store.events(run)
    behind = max(0, (last_step or 0) - chronicle.step)
    judged = final or _judged(chronicle, events, last_step or 0)
    n = min(MOST, WINDOW + behind)

    def tail(metric: str, least: int = WINDOW) -> Points:
        wanted = n if judged else min(n, least + behind)
        return points(*store.tail(run, metric, wanted)) if metric in keys else NOTHING

    def head(metric: str, newest: Points) -> Points:
        if len(newest) < n:  # that is all of it
            return Points(newest.steps[:HEAD], newest.values[:HEAD])
        return points(*store.head(run, metric, HEAD))

    loss, lr = _named(keys)
    losses, norms, rates = tail(loss, FLAGS + round(20 * chronicle.tau)), tail(NORM, NORMS), tail(lr, CONTEXT + 2)
    return RunData(
        loss=losses,
        grad=norms,
        lr=rates,
        sharpness=points(*store.tail(run, SHARPNESS, min(MOST, READINGS + behind))) if SHARPNESS in keys else NOTHING,
        loss_head=head(loss, losses) if judged else NOTHING,
        grad_head=head(NORM, norms) if judged else NOTHING,
        resets=_resets(events, rates_logged=len(rates) > 0),
        layers=lambda: _layers(store, run, keys, min(MOST, 200 + behind)),
        update=tail(UPDATE) if judged else NOTHING,
        looks=cache(lambda: _looks(store, run)),
        measured=cache(lambda metric: _turns(store, run, keys) if metric == TURNS else tail(metric)),
        recipe=recipe_of(config or {}),
    )


def _named(keys: Sequence[str]) -> tuple[str, str]:
    """Give the names of the series that hold loss and learning rate."""
    loss = next((key for key in LOSS_KEYS if key in keys), "loss")
    return loss, "lr" if "lr" in keys else min((key for key in keys if key.startswith("lr/")), default="lr")


def _judged(chronicle: Chronicle, events: Sequence[Event], last_step: int) -> bool:
    """Say whether all must be read: for a judgement, or as the run lives some steps again."""
    news = any((e.step, e.kind) not in chronicle.met for e in events if e.kind in RESETS)
    again = last_step < chronicle.step or chronicle.origin is None or chronicle.start is None
    return again or news or judgement_due(chronicle, first=chronicle.step + 1, last=last_step)


def _resets(events: Sequence[Event], *, rates_logged: bool) -> tuple[tuple[int, str], ...]:
    """Give what began new stretches; changes of the learning rate only where its series is not there to tell."""
    known = [(e.step, e.kind) for e in events if e.step is not None and e.step > 0 and e.kind in RESETS]
    if not rates_logged:
        known += [(e.step, "lr") for e in events if e.step is not None and e.step > 0 and e.kind == "lr_change"]
    return tuple(dict.fromkeys(known))


def _layers(store: SeriesStore, run: str, keys: Sequence[str], n: int) -> Mapping[str, Points]:
    prefix = f"{NORM}/"
    names = [key for key in keys if key.startswith(prefix)]
    return {name.removeprefix(prefix): points(*store.tail(run, name, n)) for name in names}


def _turns(store: SeriesStore, run: str, keys: Sequence[str]) -> Points:
    """Give the mean turn of layers whose scale does not matter, of some two dozen of all layers, evenly chosen."""
    prefix = f"{ALIGNED}/"
    names = [key.removeprefix(prefix) for key in keys if key.startswith(prefix)]
    some = names[:: max(1, math.ceil(len(names) / LAYERS))]
    cosines = {name: points(*store.tail(run, f"{prefix}{name}", AT_RIGHT)) for name in some}
    return mean_turn({name: points(*store.tail(run, f"{TURN}/{name}", READINGS)) for name in scale_free(cosines)})


def _looks(store: SeriesStore, run: str) -> Looks:
    """Give the newest sketches of the weights that belong together: one seed, one length."""
    found = store.sketches(run, SKETCH, limit=LOOKS)
    alike = [one for one in found if (one.seed, len(one.values)) == (found[-1].seed, len(found[-1].values))]
    if not alike:
        return UNSEEN
    values = np.stack([np.frombuffer(one.values, dtype="<f4") for one in alike]).astype(np.float64)
    steps, places = np.unique([one.step for one in alike], return_index=True)
    kept = np.isfinite(values[places]).all(axis=1)
    return Looks(steps[kept], values[places][kept])
