"""The live stream: nothing missed, nothing twice, and over when it should be."""

import json
import time
from collections.abc import Callable, Iterator
from threading import Thread

import httpx
import pytest

from ergoscope_contract.answers import Alert
from ergoscope_contract.records import Ending
from ergoscope_server.api import live
from ergoscope_server.bus.bus import EVERY_RUN
from tests.backend.api.conftest import Running, wait_for
from tests.backend.api.events import Message, messages
from tests.backend.store.batches import arrival, batch, line

LIVE = "/api/v1/live"


def _steps(message: Message) -> list[int]:
    series = message.data["series"]
    assert isinstance(series, list)
    return [step for one in series for step in one["steps"]]


def _follow(running: Running, params: dict[str, str], enough: Callable[[list[Message]], bool]) -> list[Message]:
    found: list[Message] = []
    with running.client.stream("GET", LIVE, params=params) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for message in messages(stream):
            found.append(message)
            if enough(found):
                break
    return found


def _increments(found: list[Message]) -> list[int]:
    return [step for message in found if message.event == "increment" for step in _steps(message)]


def test_history_and_stream_join_without_gap_or_double_while_a_job_sends(running: Running) -> None:
    def send() -> None:
        for seq in range(60):
            running.post(batch(seq, {"x": line(seq * 5, 5), "other": line(seq, 1)}))
            if seq % 25 == 24:
                running.service.store.fold("r")

    job = Thread(target=send)
    running.post(batch(1_000, {}))
    job.start()
    time.sleep(0.1)
    history = running.client.get("/api/v1/runs/r/series", params={"metrics": "x"}).json()
    seen = list(history["series"][0]["steps"])

    found = _follow(
        running,
        {"run": "r", "metrics": "x", "since": f"r:{history['cursor']}"},
        lambda found: len(seen) + len(_increments(found)) >= 300,
    )

    job.join()
    assert seen + _increments(found) == list(range(300))


def test_a_reader_that_comes_back_with_its_last_id_misses_nothing(running: Running) -> None:
    running.post(batch(0, {"x": line(0, 10)}))
    first = _follow(running, {"run": "r", "metrics": "x", "since": "0"}, lambda found: len(_increments(found)) == 10)
    running.post(batch(1, {"x": line(10, 10)}))

    with running.client.stream(
        "GET", LIVE, params={"run": "r", "metrics": "x"}, headers={"Last-Event-ID": first[-1].cursor}
    ) as stream:
        again = next(messages(stream))

    assert _increments(first) == list(range(10))
    assert (again.event, _steps(again)) == ("increment", list(range(10, 20)))


def test_without_a_cursor_the_stream_begins_with_now(running: Running) -> None:
    running.post(batch(0, {"x": line(0, 10)}))

    found = _follow(running, {"run": "r"}, lambda found: found[-1].event == "verdict")

    assert [message.event for message in found] == ["run", "verdict"]
    assert found[0].cursor.startswith("r:1")
    assert found[0].data["status"] == "running"


def test_several_runs_share_one_stream_and_one_cursor(running: Running) -> None:
    running.post(batch(0, {"x": line(0, 1)}, run="a"))
    running.post(batch(0, {"x": line(7, 1)}, run="b"))

    with running.client.stream("GET", f"{LIVE}?run=a&run=b&metrics=x&since=a:0,b:0") as stream:
        found = [m for _, m in zip(range(6), messages(stream), strict=False)]

    increments = {str(m.data["run"]): _steps(m) for m in found if m.event == "increment"}
    assert increments == {"a": [0], "b": [7]}
    assert found[0].cursor == "a:1,b:0"  # if it broke off here, b would begin where it has to
    assert found[-1].cursor == "a:1,b:1"


def test_news_of_all_runs_come_without_their_points(running: Running) -> None:
    with running.client.stream("GET", LIVE) as stream:
        told = messages(stream)
        running.post(batch(0, {"x": line(0, 1)}, run="a"))
        running.service.store.save_alert(Alert("1", "nonfinite", "a", "crit", "firing", "t", 0, 0, time.time() + 1))
        running.service.bus.publish("a", "alert")
        kinds: set[str] = set()
        while kinds != {"run", "alert", "verdict"}:
            message = next(told)
            kinds.add(message.event)
            assert message.event != "increment"


def test_after_notices_were_lost_a_reader_is_told_what_it_may_have_missed(running: Running) -> None:
    running.post(batch(0, {"x": line(0, 1)}, run="a"))
    with running.client.stream("GET", LIVE) as every:
        told = messages(every)
        store = running.service.store
        until_told = (m for m in told if m.event == "run")
        running.service.bus.publish("a", "run")
        next(until_told)  # now it listens
        store.accept([arrival(batch(0, {"x": line(0, 1)}, run="b"), received=time.time())])
        store.save_alert(Alert("1", "nonfinite", "b", "crit", "firing", "t", 0, 0, time.time() - 1))

        running.service.bus.publish(EVERY_RUN, "arrival")

        found = {(m.event, str(m.data.get("id"))) for m in _some(told, 40, {("run", "b"), ("alert", "1")})}
    assert {("run", "b"), ("alert", "1")} <= found

    with running.client.stream("GET", LIVE, params={"run": "b", "since": "b:0"}) as one:
        told = messages(one)
        next(m for m in told if m.event == "increment")
        store.accept([arrival(batch(1, {"x": line(1, 1)}, run="b"), received=time.time())])
        running.service.bus.publish(EVERY_RUN, "arrival")
        assert _steps(next(m for m in told if m.event == "increment")) == [1]


def _some(told: Iterator[Message], most: int, wanted: set[tuple[str, str]]) -> Iterator[Message]:
    for _, message in zip(range(most), told, strict=False):
        yield message
        wanted.discard((message.event, str(message.data.get("id"))))
        if not wanted:
            return


def test_a_summary_is_told_at_most_once_a_second_and_its_last_change_always(running: Running) -> None:
    with running.client.stream("GET", LIVE) as stream:
        told = messages(stream)
        began = time.monotonic()
        for seq in range(20):
            running.post(batch(seq, {"x": line(seq, 1)}))
        running.post(batch(20, {}, ended=Ending("finished", 1.0)))
        summaries = []
        while not summaries or summaries[-1].data["status"] != "finished":
            message = next(told)
            if message.event == "run":
                summaries.append(message)
        elapsed = time.monotonic() - began

    assert len(summaries) <= 2 + elapsed


def test_a_cursor_that_is_too_old_is_told_to_read_again(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ergoscope_server.store.tidy.KEEP_S", -1.0)
    running.post(batch(0, {"x": line(0, 1)}))
    running.post(batch(1, {"x": line(1, 1)}))
    running.service.store.fold("r")
    running.service.store.tidy("r")

    found = _follow(running, {"run": "r", "since": "r:1"}, lambda found: len(found) >= 2)

    assert (found[0].event, found[0].data) == ("reset", {"run": "r", "cursor": 2})
    assert found[1].event == "run"


def test_those_who_poll_get_the_same_from_cursor_to_cursor(running: Running) -> None:
    seen: list[int] = []
    cursor = "r:0"
    for seq in range(3):
        running.post(batch(seq, {"x": line(seq * 4, 4)}))
        answer = running.client.get(
            LIVE, params={"run": "r", "metrics": "x", "since": cursor}, headers={"Accept": "application/json"}
        )
        assert answer.headers["content-type"] == "application/json"
        cursor = answer.json()["cursor"]
        events = answer.json()["events"]
        seen += [s for e in events if e["event"] == "increment" for one in e["data"]["series"] for s in one["steps"]]

    assert seen == list(range(12))
    assert cursor.startswith("r:3@")
    assert [event["event"] for event in events] == ["increment", "run", "verdict"]


def test_those_who_poll_hear_of_each_alert_once(running: Running) -> None:
    headers = {"Accept": "application/json"}
    running.post(batch(0, {}))
    first = running.client.get(LIVE, params={"run": "r"}, headers=headers).json()
    running.service.store.save_alert(Alert("1", "nonfinite", "r", "crit", "firing", "t", 0, 0, time.time()))

    second = running.client.get(LIVE, params={"run": "r", "since": first["cursor"]}, headers=headers).json()
    third = running.client.get(LIVE, params={"run": "r", "since": second["cursor"]}, headers=headers).json()

    heard = [[e["data"]["id"] for e in one["events"] if e["event"] == "alert"] for one in (first, second, third)]
    assert heard == [[], ["1"], []]


@pytest.mark.parametrize("since", ["a:b", "x", "r:1;q:2", "r:1@soon", "r:99999999999999999999"])
def test_a_cursor_that_is_none_is_refused_with_its_form(running: Running, since: str) -> None:
    answer = running.client.get(LIVE, params=[("run", "r"), ("run", "q"), ("since", since)])

    assert answer.status_code == 400
    assert answer.json()["detail"].endswith("it must be RUN:NUMBER, several with commas, as the last answer gave it")


def test_an_idle_stream_gives_signs_of_life(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.2)
    running.post(batch(0, {}))

    with running.client.stream("GET", LIVE, params={"run": "r"}) as stream:
        assert any(text == ": still here" for text in stream.iter_lines())


def test_streams_end_when_the_service_stops(running: Running) -> None:
    with running.client.stream("GET", LIVE) as stream:
        told = stream.iter_lines()
        next(told)
        running.server.stop()
        with pytest.raises((StopIteration, httpx.RemoteProtocolError)):
            while True:
                next(told)
    running.thread.join(10)

    assert not running.thread.is_alive()


def test_a_reader_that_left_is_forgotten(running: Running) -> None:
    def readers() -> float:
        text = running.client.get("/metrics").text
        return next(float(t.split()[1]) for t in text.splitlines() if t.startswith("ergoscope_live_readers"))

    before = readers()
    with running.client.stream("GET", LIVE) as stream:
        told = stream.iter_lines()
        next(told)
        assert readers() == before + 1
    wait_for(lambda: readers() == before)


def test_more_streams_than_allowed_are_sent_to_poll(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_READERS", 0)

    answer = running.client.get(LIVE)

    assert answer.status_code == 503
    assert "poll with Accept: application/json" in answer.json()["detail"]


def test_a_reader_that_does_not_read_costs_nothing_and_is_caught_up_later(running: Running) -> None:
    n, rows = 40, 2_000
    with running.client.stream("GET", LIVE, params={"run": "r", "metrics": "x", "since": "0"}) as stream:
        told = messages(stream)
        for seq in range(n):
            running.post(batch(seq, {"x": line(seq * rows, rows)}))
        seen: list[int] = []
        while len(seen) < n * rows:
            message = next(told)
            seen += _steps(message) if message.event == "increment" else []

    assert seen == list(range(n * rows))
    assert json.dumps(seen[-1]) == str(n * rows - 1)
