"""What is read from a store, and under which names."""

import numpy as np
import pytest

from ergoscope_contract.records import Event, Sketch
from ergoscope_server.history.chronicle import Chronicle
from ergoscope_server.history.load import WINDOW, load
from ergoscope_server.history.play import play
from ergoscope_server.indicators.points import FloatArray, IntArray
from ergoscope_server.indicators.recipe import Recipe
from ergoscope_server.indicators.stability import STABILITY
from ergoscope_server.indicators.stationarity import STATIONARITY
from ergoscope_server.indicators.turning import TURNS
from tests.backend.memory_store import MemoryStore

STEPS = np.arange(1, 31)


def _store(*keys: str, events: tuple[Event, ...] = ()) -> MemoryStore:
    store = MemoryStore()
    for number, key in enumerate(keys):
        store.put("r", key, STEPS, np.full(30, float(number + 1)))
    store.happened["r"] = list(events)
    return store


def test_loss_gradient_and_rate_are_found_by_their_ids() -> None:
    data = load(_store("loss", "grad_norm", "lr", "train_loss"), "r", Chronicle(), last_step=30)

    assert [p.values[0] for p in (data.loss, data.grad, data.lr)] == [1.0, 2.0, 3.0]
    assert data.loss_head.steps.tolist() == STEPS.tolist()


def test_another_name_of_the_loss_serves_where_there_is_no_loss() -> None:
    data = load(_store("val/loss", "train_loss", "lr/0", "lr/1"), "r", Chronicle(), last_step=30)

    assert data.loss.values[0] == 2.0
    assert data.lr.values[0] == 3.0


def test_events_tell_of_rates_only_where_there_is_no_series_of_them() -> None:
    events = (Event("lr_change", 1.0, 10), Event("resume", 2.0, 20), Event("note", 3.0, 25), Event("resume", 0.0, 0))

    without = load(_store("loss", events=events), "r", Chronicle(), last_step=30)
    with_rates = load(_store("loss", "lr", events=events), "r", Chronicle(), last_step=30)

    assert set(without.resets) == {(10, "lr"), (20, "resume")}
    assert with_rates.resets == ((20, "resume"),)


def test_layers_come_by_parameter_name() -> None:
    data = load(_store("grad_norm/fc.weight", "grad_norm"), "r", Chronicle(), last_step=30)

    assert list(data.layers()) == ["fc.weight"]


def test_the_sharpness_is_read_where_the_run_has_it() -> None:
    has = load(_store("loss", "sharpness_ratio"), "r", Chronicle(), last_step=30)

    assert has.sharpness.values.tolist() == [2.0] * 30
    assert len(load(_store("loss"), "r", Chronicle(), last_step=30).sharpness) == 0


def test_a_series_begins_with_its_head_whether_or_not_all_of_it_is_read() -> None:
    store = MemoryStore()
    for key, count in (("loss", 13_000), ("grad_norm", 100)):
        store.put("r", key, np.arange(count), np.arange(count) / 1.0)

    data = load(store, "r", Chronicle(step=12_999), last_step=12_999)

    assert len(data.loss) == 12_500
    assert data.loss_head.steps.tolist() == data.grad_head.steps.tolist() == list(range(64))
    assert data.loss_head.values.tolist() == data.grad_head.values.tolist() == [float(step) for step in range(64)]


def _sketch(step: int, *values: float, seed: int = 7) -> Sketch:
    return Sketch("weight_sketch", step, seed, np.array(values, dtype="<f4").tobytes())


def test_sketches_of_the_weights_are_those_that_can_be_compared_with_the_newest() -> None:
    store = _store("loss")
    other, short = _sketch(10, 0.0, 0.0, seed=1), _sketch(20, 0.0)
    broken, again = _sketch(40, np.inf, 0.0), _sketch(30, 9.0, 9.0)
    store.seen["r"] = [other, short, _sketch(30, 1.0, 2.0), again, broken, _sketch(50, 3.0, 4.0)]

    looks = load(store, "r", Chronicle(), last_step=30).looks()

    assert looks.steps.tolist() == [30, 50]
    assert looks.values.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert len(load(_store("loss"), "r", Chronicle(), last_step=30).looks().steps) == 0


def _long() -> MemoryStore:
    store = MemoryStore()
    for key in ("loss", "grad_norm", "lr", "update_norm", "weight_norm"):
        store.put("r", key, np.arange(20_000), np.full(20_000, 0.1))
    return store


def test_between_judgements_only_what_flags_need_is_read() -> None:
    known = Chronicle(origin=0, step=19_980, judged=19_900, stride=1, start=0.1, tau=2.0)

    data = load(_long(), "r", known, last_step=19_999)

    assert (len(data.loss), len(data.grad), len(data.lr)) == (2859, 219, 1021)
    assert (len(data.loss_head), len(data.grad_head), len(data.update)) == (0, 0, 0)


def test_for_a_judgement_or_a_resumed_run_the_window_is_read() -> None:
    judged = Chronicle(origin=0, step=19_980, judged=19_400, stride=1, start=0.1)
    resumed = Chronicle(origin=0, step=19_980, judged=19_900, stride=1, start=0.1)
    store = _long()
    store.happened["r"] = [Event("resume", 1.0, 15_000)]

    assert len(load(_long(), "r", judged, last_step=19_999).loss) == 12_519
    assert len(load(store, "r", resumed, last_step=19_999).loss) == 12_519
    assert len(load(_long(), "r", resumed, last_step=15_000).loss) == 12_500


def test_a_run_that_has_ended_is_judged_once_more_with_all_that_a_judgement_needs() -> None:
    known = Chronicle(origin=0, step=19_980, judged=19_900, stride=1, start=0.1, tau=2.0)

    data = load(_long(), "r", known, last_step=19_999, final=True)

    assert (len(data.loss), len(data.grad), len(data.update)) == (12_519, 12_519, 12_519)
    assert len(data.grad_head) > 0


def test_any_other_series_is_read_when_it_is_asked_for_and_the_optimizer_comes_from_the_settings() -> None:
    config = {"optimizers": [{"name": "SGD", "groups": [{"momentum": 0.9}]}]}

    data = load(_long(), "r", Chronicle(), last_step=19_999, config=config)

    assert len(data.measured("weight_norm")) == 20_000
    assert len(data.measured("grad_sq_norm_debiased")) == 0
    assert data.recipe == Recipe("SGD", 0.9)


class _Counting(MemoryStore):
    """Counts the points that are asked for, and those that come, by series; and sketches."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[str, int] = {}

    def tail(self, run: str, metric: str, n: int, *, after: int | None = None) -> tuple[IntArray, FloatArray]:
        self.asked[metric] = self.asked.get(metric, 0) + n
        return super().tail(run, metric, n, after=after)

    def head(self, run: str, metric: str, n: int) -> tuple[IntArray, FloatArray]:
        self.asked[f"{metric}, head"] = n
        return super().head(run, metric, n)

    def sketches(self, run: str, key: str, *, rank: int = 0, limit: int = 500) -> list[Sketch]:
        self.asked[key] = limit
        return super().sketches(run, key, rank=rank, limit=limit)


def _asked_at(last: int) -> dict[str, int]:
    """What a judgement of a run with every reading asks for at its step `last`, 500 steps after the one before."""
    store, steps = _Counting(), np.arange(1, last + 1)
    generator = np.random.default_rng(last)
    layers = [f"{key}/{layer}.weight" for key in ("angular_update", "cos_w_neg_grad") for layer in range(48)]
    for key in ("loss", "grad_norm", "update_norm", *STATIONARITY, *STABILITY, *layers, "dist_from_init"):
        small = key.startswith("cos_w_neg_grad/")
        store.put("r", key, steps, np.zeros(last) if small else 1 + 0.1 * generator.normal(size=last))
    store.put("r", "lr", steps, np.full(last, 0.1))
    before = Chronicle(origin=1, step=last - 500, judged=last - 500, stride=1, reset=1, cause="lr", start=1.0)
    config = {"optimizers": [{"name": "SGD", "groups": [{"weight_decay": 1e-3}]}]}

    found = play(before, load(store, "r", before, last_step=last, config=config), run="r", now=0.0).chronicle

    assert found.judged > last - 500
    assert {reading.id for reading in found.readings} >= {*STATIONARITY, *STABILITY}
    return store.asked


def test_a_judgement_asks_for_no_more_points_of_a_longer_run() -> None:
    short, long = _asked_at(30_000), _asked_at(120_000)

    assert long == short
    assert max(short.values()) <= 2 * (WINDOW + 500)  # the gradient norm serves two
    assert sum(short[key] for key in short if key.startswith("cos_w_neg_grad/")) <= 24 * 8


def test_layers_at_right_angles_to_their_gradient_give_a_mean_turn() -> None:
    store = MemoryStore()
    for layer, cos, angle in (("a", 1e-6, 0.2), ("b", 0.3, 9.0), ("c", -2e-6, 0.4)):
        store.put("r", f"cos_w_neg_grad/{layer}", STEPS, np.full(30, cos))
        store.put("r", f"angular_update/{layer}", STEPS, np.full(30, angle))

    turns = load(store, "r", Chronicle(), last_step=30).measured(TURNS)

    assert turns.steps.tolist() == STEPS.tolist()
    assert turns.values.tolist() == [pytest.approx(0.3)] * 30
