"""What a verdict needs of a run, read from a store."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Protocol

import numpy as np

from ergoscope_contract.records import Event, Sketch
from ergoscope_server.history.chronicle import Chronicle
from ergoscope_server.indicators.assessment import RunData
from ergoscope_server.indicators.displacement import MOST as LOOKS
from ergoscope_server.indicators.invariance import UNSEEN, Looks
from ergoscope_server.indicators.points import NOTHING, FloatArray, IntArray, Points, points

WINDOW = 12_500  # points before what is new: the longest window and what smoothing needs before it
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


def load(store: SeriesStore, run: str, chronicle: Chronicle, *, last_step: int | None) -> RunData:
    """Read the newest part of a run: what came after the chronicle's step, and the window before it.

    A run without a series called "loss" is judged by the first of "train/loss", "train_loss", "loss/train" and
    "training_loss" that it has.

    Args:
        store: Where the series are.
        run: The run's id.
        chronicle: What is known of it already.
        last_step: Its newest step.
    """
    keys = store.keys(run)
    behind = max(0, (last_step or 0) - chronicle.step)
    n = min(MOST, WINDOW + behind)

    def tail(metric: str) -> Points:
        return points(*store.tail(run, metric, n)) if metric in keys else NOTHING

    def head(metric: str, newest: Points) -> Points:
        if len(newest) < n:  # that is all of it
            return Points(newest.steps[:HEAD], newest.values[:HEAD])
        return points(*store.head(run, metric, HEAD))

    loss = next((key for key in LOSS_KEYS if key in keys), "loss")
    lr = "lr" if "lr" in keys else min((key for key in keys if key.startswith("lr/")), default="lr")
    losses, norms, rates = tail(loss), tail(NORM), tail(lr)
    return RunData(
        loss=losses,
        grad=norms,
        lr=rates,
        sharpness=points(*store.tail(run, SHARPNESS, min(MOST, READINGS + behind))) if SHARPNESS in keys else NOTHING,
        loss_head=head(loss, losses),
        grad_head=head(NORM, norms),
        resets=_resets(store.events(run), rates_logged=len(rates) > 0),
        layers=lambda: _layers(store, run, keys, min(MOST, 200 + behind)),
        update=tail(UPDATE),
        looks=cache(lambda: _looks(store, run)),
    )


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
