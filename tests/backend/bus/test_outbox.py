"""What waits to be sent: merged, bounded, tried again."""

from threading import Event

import pytest

from ergoscope_server.bus import outbox
from ergoscope_server.bus.outbox import CannotSendError, Outbox
from tests.backend.bus.conftest import until


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "CLOSE_S", 5.0)


class Post:
    """Takes what is sent while its gate is open, and refuses as often as it is told to."""

    def __init__(self) -> None:
        self.gate = Event()
        self.sent: list[dict[str, int]] = []
        self.refusals = 0
        self.calls = 0

    def send(self, waiting: dict[str, int]) -> None:
        self.calls += 1
        self.gate.wait(5)
        if self.refusals:
            self.refusals -= 1
            raise CannotSendError("the road is closed")
        self.sent.append(waiting)

    def box(self, *, most: int = 10) -> "Outbox[int]":
        return Outbox(self.send, merge=int.__add__, brief=lambda: {"all": -1}, name="post", most=most, pause_s=0.01)


def test_what_waits_under_one_name_is_merged_and_nobody_waits() -> None:
    post = Post()
    box = post.box()
    box.put("first", 1)
    until(lambda: post.calls == 1)  # now it stands at the gate
    for _ in range(1000):
        box.put("a", 1)
    box.put("b", 5)

    post.gate.set()
    box.close()

    assert post.sent == [{"first": 1}, {"a": 1000, "b": 5}]


def test_what_could_not_be_sent_is_kept_merged_with_what_came_since_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    post = Post()
    post.refusals = 3
    box = post.box()
    box.put("a", 1)
    until(lambda: post.calls == 1)
    box.put("a", 2)
    post.gate.set()

    until(lambda: post.sent)
    box.close()

    assert post.sent == [{"a": 3}]
    assert caplog.text.count("post waits: the road is closed") == 1


def test_too_many_names_become_a_brief_one() -> None:
    post = Post()
    box = post.box(most=3)
    box.put("first", 1)
    until(lambda: post.calls == 1)
    for i in range(4):
        box.put(f"run{i}", 1)

    post.gate.set()
    box.close()

    assert post.sent == [{"first": 1}, {"all": -1}]


def test_closing_tries_once_and_does_not_wait_for_a_road_that_stays_closed() -> None:
    post = Post()
    post.gate.set()
    post.refusals = 1_000_000
    box = post.box()
    box.put("a", 1)
    until(lambda: post.calls > 1)

    box.close()

    assert post.sent == []
