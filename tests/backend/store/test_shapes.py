"""Histograms and events, as sent."""

from msgspec.structs import replace

from ergoscope_contract.records import Event, Histogram, Sketch, Spectrum
from ergoscope_server.store.store import Store
from tests.backend.store.batches import arrival, batch


def _histogram(step: int, count: int, key: str = "grad_hist/a") -> Histogram:
    return Histogram(key, step, -3, [count], [0, count])


def _send(store: Store, seq: int, histograms: list[Histogram], *, attempt: int = 1, rank: int = 0) -> None:
    store.accept([arrival(replace(batch(seq, {}, attempt=attempt, rank=rank), histograms=histograms))])


def test_histograms_come_back_newest_first_cut_and_in_step_order(store: Store) -> None:
    _send(store, 0, [_histogram(step, step) for step in (3, 1, 2)] + [_histogram(9, 9, key="other")])
    _send(store, 0, [_histogram(7, 7)], rank=1)

    assert [h.step for h in store.histograms("r", "grad_hist/a")] == [1, 2, 3]
    assert store.histograms("r", "grad_hist/a", limit=2) == [_histogram(2, 2), _histogram(3, 3)]
    assert [h.step for h in store.histograms("r", "grad_hist/a", rank=1)] == [7]
    assert store.histograms("r", "absent") == []


def test_a_repeated_step_has_its_newest_histogram(store: Store) -> None:
    _send(store, 0, [_histogram(1, 1), _histogram(1, 2)])
    _send(store, 1, [_histogram(1, 3)])

    assert store.histograms("r", "grad_hist/a") == [_histogram(1, 3)]


def test_a_newer_attempt_counts_from_its_first_step_on(store: Store) -> None:
    _send(store, 0, [_histogram(step, 1) for step in range(10)], attempt=1)
    _send(store, 0, [_histogram(step, 2) for step in (6, 8)], attempt=2)

    kept = [(h.step, h.positive[0]) for h in store.histograms("r", "grad_hist/a")]

    assert kept == [(step, 1) for step in range(6)] + [(6, 2), (8, 2)]


def test_sketches_are_kept_apart_from_histograms_of_the_same_key(store: Store) -> None:
    made = [Sketch("k", step, 0, bytes(4 * step)) for step in (2, 1, 3)]
    store.accept([arrival(replace(batch(0, {}), sketches=made, histograms=[_histogram(9, 9, key="k")]))])

    assert [s.step for s in store.sketches("r", "k")] == [1, 2, 3]
    assert store.sketches("r", "k", limit=1) == [made[2]]
    assert store.sketches("r", "k", rank=1) == []
    assert store.histograms("r", "k") == [_histogram(9, 9, key="k")]


def test_spectra_are_kept_apart_and_a_newer_attempt_counts_from_its_first_step_on(store: Store) -> None:
    def send(attempt: int, *steps: int) -> list[Spectrum]:
        made = [Spectrum("k", step, bytes(8 * attempt), bytes(8 * attempt)) for step in steps]
        sketch = Sketch("k", 9, 0, bytes(4))
        store.accept([arrival(replace(batch(0, {}, attempt=attempt), spectra=made, sketches=[sketch]))])
        return made

    first, second = send(1, 2, 1, 3), send(2, 3)

    assert store.spectra("r", "k") == [first[1], first[0], second[0]]
    assert store.spectra("r", "k", limit=1) == second
    assert store.spectra("r", "k", rank=1) == []


def test_events_come_back_in_the_order_they_arrived_and_once(store: Store) -> None:
    events = [Event("note", 10.0, 5, "b", {"x": [1, None, "ü"]}), Event("lr_change", 9.0, 4, "a")]
    made = arrival(replace(batch(0, {}), events=events))
    store.accept([made])
    store.accept([made, arrival(replace(batch(1, {}), events=[Event("note", 1.0)]))])

    assert store.events("r") == [*events, Event("note", 1.0)]
