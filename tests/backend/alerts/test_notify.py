"""The webhook: what is posted, what happens when it cannot be, and that nobody waits for it."""

import json
import logging
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread

import pytest

from ergoscope_contract.answers import Alert
from ergoscope_server.alerts.notify import WAITING, NoNotify, WebhookNotify, message, notifier

ALERT = Alert(
    id="r 1-nonfinite-7",
    rule="nonfinite",
    run="r 1",
    severity="crit",
    state="firing",
    text="Loss became NaN at step 7.",
    first_step=7,
    last_step=9,
    started=1.0,
)


class Hook:
    """A server on loopback that keeps what is posted and answers with the codes given, the last one for ever."""

    def __init__(self, *codes: int) -> None:
        self.bodies: list[dict[str, object]] = []
        self.hold = Event()
        self.hold.set()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.hold.wait(10)
                hook.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(codes[min(len(hook.bodies), len(codes)) - 1])
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._server.server_port}/hook"

    def close(self) -> None:
        self.hold.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def hook(request: pytest.FixtureRequest) -> Iterator[Hook]:
    server = Hook(*request.param)
    yield server
    server.close()


def test_the_message_has_the_text_and_the_page_of_the_run() -> None:
    assert message(ALERT, page="http://here") == {
        "text": "Loss became NaN at step 7.",
        "run": "r 1",
        "rule": "nonfinite",
        "severity": "crit",
        "state": "firing",
        "step": 7,
        "url": "http://here/runs/r%201",
    }


@pytest.mark.parametrize("hook", [(200,)], indirect=True)
def test_an_alert_is_posted_once(hook: Hook) -> None:
    notify = WebhookNotify(hook.address, page="http://here/")

    notify.send(ALERT)
    notify.close()

    assert hook.bodies == [message(ALERT, page="http://here")]


@pytest.mark.parametrize("hook", [(500, 200)], indirect=True)
def test_a_refusal_is_tried_once_more(hook: Hook) -> None:
    notify = WebhookNotify(hook.address, page="", pause_s=0.0)

    notify.send(ALERT)
    notify.close()

    assert len(hook.bodies) == 2


@pytest.mark.parametrize("hook", [(500,)], indirect=True)
def test_a_second_refusal_is_logged_and_forgotten(hook: Hook, caplog: pytest.LogCaptureFixture) -> None:
    notify = WebhookNotify(hook.address, page="", pause_s=0.0)

    with caplog.at_level(logging.WARNING, "ergoscope.alerts"):
        notify.send(ALERT)
        notify.close()

    assert len(hook.bodies) == 2
    assert caplog.messages == ["webhook: could not deliver r 1-nonfinite-7: it answered 500"]


def test_a_dead_address_is_logged_and_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    notify = WebhookNotify("http://127.0.0.1:9/", page="", pause_s=0.0)

    with caplog.at_level(logging.WARNING, "ergoscope.alerts"):
        notify.send(ALERT)
        notify.close()

    assert "could not deliver r 1-nonfinite-7" in caplog.text


@pytest.mark.parametrize("hook", [(200,)], indirect=True)
def test_a_slow_webhook_holds_nobody_up_and_drops_are_counted(hook: Hook) -> None:
    hook.hold.clear()
    notify = WebhookNotify(hook.address, page="")

    for _ in range(WAITING + 10):
        notify.send(ALERT)
    dropped = notify.dropped
    hook.hold.set()
    notify.close()

    assert 9 <= dropped <= 10  # one may be in the thread's hands
    assert len(hook.bodies) == WAITING + 10 - dropped


def test_no_address_tells_nobody() -> None:
    notify = notifier(None, page="")
    notify.send(ALERT)

    assert isinstance(notify, NoNotify)


def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="the webhook address is 'ftp://x'; it must begin with http:// or https://"):
        notifier("ftp://x", page="")
