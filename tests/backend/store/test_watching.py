"""Verdicts and alerts: of several that judge a run at once, one writes."""

from threading import Barrier, Thread

from ergoscope_contract.answers import Alert, Verdict
from ergoscope_contract.records import Event
from ergoscope_server.store.store import Store
from ergoscope_server.store.watching import Judged
from tests.backend.store.batches import arrival, batch, line


def _judged(version: int, *, step: int = 0, upto: int = 1) -> Judged:
    return Judged(Verdict("r", step), b"memory", upto, version)


def _alert(name: str) -> Alert:
    return Alert(name, "nonfinite", "r", "crit", "firing", "t", 0, 0, 1.0)


def test_what_was_judged_is_read_with_its_version(store: Store) -> None:
    store.accept([arrival(batch(0, {"x": line(0, 1)}))])

    assert store.verdict("r") is None
    assert store.save_verdict(_judged(0), [Event("rank", 1.0)], [_alert("a")])

    assert store.verdict("r") == _judged(1)
    assert [alert.id for alert in store.alerts(run="r")] == ["a"]
    assert len(store.events("r")) == 1


def test_who_comes_second_writes_nothing(store: Store) -> None:
    store.accept([arrival(batch(0, {"x": line(0, 1)}))])
    assert store.save_verdict(_judged(0, step=1), [], [])
    assert store.save_verdict(_judged(1, step=2), [], [])

    for version in (0, 1):
        assert not store.save_verdict(_judged(version, step=9), [Event("rank", 1.0)], [_alert("a")])

    assert store.verdict("r") == _judged(2, step=2)
    assert store.alerts(run="r") == []
    assert store.events("r") == []


def test_of_many_that_judge_a_run_for_the_first_time_one_writes(store: Store) -> None:
    store.accept([arrival(batch(0, {"x": line(0, 1)}))])
    together, saved = Barrier(8), list[bool]()

    def judge(i: int) -> None:
        together.wait(10)
        saved.append(store.save_verdict(_judged(0, step=i), [Event("rank", 1.0)], [_alert(str(i))]))

    threads = [Thread(target=judge, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(saved) == [False] * 7 + [True]
    assert len(store.alerts(run="r")) == len(store.events("r")) == 1
