"""Telling someone: alerts by webhook, from one thread, which never holds up anyone else."""

import logging
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Protocol
from urllib.parse import quote

import msgspec
import urllib3

from ergoscope_contract.answers import Alert

WAITING = 100  # alerts that may wait for the thread
TIMEOUT_S = 5.0
PAUSE_S = 1.0
_log = logging.getLogger("ergoscope.alerts")


class Notify(Protocol):
    """Whoever is told of alerts."""

    def send(self, alert: Alert) -> None:
        """Take an alert that began or ended; never blocks, never raises."""
        ...


class NoNotify:
    """Tells nobody."""

    def send(self, alert: Alert) -> None:
        """Drop the alert: the page and the store have it."""


class WebhookNotify:
    """Posts each alert as JSON, twice at most; a failure is logged and forgotten.

    The body has `text`, `run`, `rule`, `severity`, `state`, `step` and `url`, the page of the run; chat services show
    `text`. What does not fit into the queue of 100 is counted in `dropped`.
    """

    def __init__(self, address: str, *, page: str, timeout_s: float = TIMEOUT_S, pause_s: float = PAUSE_S) -> None:
        """Start the thread.

        Args:
            address: Where to post.
            page: Address of the service, to which /runs/ID is appended.
            timeout_s: Seconds for one attempt.
            pause_s: Seconds before the second.
        """
        self.dropped = 0
        self._address = address
        self._page = page.rstrip("/")
        self._timeout = timeout_s
        self._pause = pause_s
        self._queue: Queue[Alert] = Queue(WAITING)
        self._closing = Event()
        self._thread = Thread(target=self._work, name="ergoscope-webhook", daemon=True)
        self._thread.start()

    def send(self, alert: Alert) -> None:
        """Queue the alert; when the queue is full it is dropped, logged and counted."""
        try:
            self._queue.put_nowait(alert)
        except Full:
            self.dropped += 1
            _log.warning("webhook: %d alerts wait already; dropped %s", WAITING, alert.id)

    def close(self, *, timeout_s: float = 2 * TIMEOUT_S) -> None:
        """Post what is queued and stop, within `timeout_s` seconds."""
        self._closing.set()
        self._thread.join(timeout_s)

    def _work(self) -> None:
        pool = urllib3.PoolManager(num_pools=1, retries=False, timeout=urllib3.Timeout(total=self._timeout))
        with pool:
            while True:
                try:
                    alert = self._queue.get(timeout=0.2)
                except Empty:
                    if self._closing.is_set():
                        return
                    continue
                self._deliver(pool, alert)

    def _deliver(self, pool: urllib3.PoolManager, alert: Alert) -> None:
        body = msgspec.json.encode(message(alert, page=self._page))
        reason = ""
        for attempt in (1, 2):
            try:
                answer = pool.request(
                    "POST", self._address, body=body, headers={"Content-Type": "application/json"}, redirect=False
                )
            except (urllib3.exceptions.HTTPError, ValueError, OSError) as error:
                reason = f"{type(error).__name__}: {error}"
            else:
                answer.drain_conn()
                if answer.status < 400:
                    return
                reason = f"it answered {answer.status}"
            if attempt == 1:
                self._closing.wait(self._pause)
        _log.warning("webhook: could not deliver %s: %s", alert.id, reason)


def message(alert: Alert, *, page: str) -> dict[str, object]:
    """Give the body of the post; of what is no alarm nothing can be resolved."""
    lead = "Resolved: " if alert.state == "resolved" and alert.severity != "info" else ""
    return {
        "text": lead + alert.text,
        "run": alert.run,
        "rule": alert.rule,
        "severity": alert.severity,
        "state": alert.state,
        "step": alert.first_step,
        "url": f"{page}/runs/{quote(alert.run, safe='')}",
    }


def notifier(address: str | None, *, page: str) -> WebhookNotify | NoNotify:
    """Give what tells the webhook at `address`, or nobody when there is none.

    Raises:
        ValueError: the address is not one of HTTP.
    """
    if not address:
        return NoNotify()
    if not address.startswith(("http://", "https://")):
        raise ValueError(f"the webhook address is {address!r}; it must begin with http:// or https://")
    return WebhookNotify(address, page=page)
