"""One batch to the server, and what became of it."""

import logging
from dataclasses import dataclass
from typing import Literal, Protocol

import msgspec
import urllib3

from ergoscope_contract.answers import Refusal
from ergoscope_contract.slices import SliceRequest

# What the server says of a batch; every other refusal is about the way there (a wrong key, a wrong address, an
# overloaded or half-started server), and the batch must wait for it to be repaired instead of being given up.
_ABOUT_THE_BATCH = frozenset({400, 413, 422})
_BARRED = frozenset({401, 403})
_GONE = 410
_LONGEST_WAIT_S = 30.0
_log = logging.getLogger("ergoscope.sidecar")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a delivery.

    delivered: the server has it. refused: it never will, for `reason`. later: try again. deleted: nobody wants it any
    more, as its run was deleted.
    barred: the server does not let us in. wait_s: how long it asked to wait. refusals: values of a delivered batch that
    were not kept.
    requests: what somebody asks of the job.
    """

    kind: Literal["delivered", "refused", "later", "deleted"]
    reason: str = ""
    barred: bool = False
    wait_s: float = 0.0
    refusals: tuple[Refusal, ...] = ()
    requests: tuple[SliceRequest, ...] = ()


class Delivery(Protocol):
    """A way to the server; never raises."""

    def send(self, data: bytes) -> Outcome:
        """Deliver one batch."""
        ...


class _Receipt(msgspec.Struct):
    """As much of a `Receipt` as matters here.

    Requests are looked at one by one: a server that is newer must not seem to refuse batches because it asks for more.
    """

    stored: bool
    refused: list[Refusal] = []
    requests: list[msgspec.Raw] = []


class _Problem(msgspec.Struct):
    error: str
    detail: str = ""


class HttpDelivery:
    """Posts batches over one kept connection."""

    def __init__(self, base_url: str, *, api_key: str = "") -> None:
        self._url = base_url.rstrip("/") + "/api/v1/batches"
        self._headers = {"Content-Type": "application/octet-stream"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._pool = urllib3.PoolManager(
            num_pools=1, maxsize=1, retries=False, timeout=urllib3.Timeout(connect=3.0, read=15.0)
        )

    def send(self, data: bytes) -> Outcome:
        """Deliver one batch."""
        try:
            answer = self._pool.request("POST", self._url, body=data, headers=self._headers, redirect=False)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return Outcome("later", reason=f"{self._url}: {_plain(error)}")
        return judge(answer.status, answer.data, retry_after=answer.headers.get("Retry-After"))


def _plain(error: Exception) -> str:
    """Say what went wrong without the addresses of objects."""
    return str(error).rpartition(">: ")[2] or type(error).__name__


def judge(status: int, body: bytes, *, retry_after: str | None = None) -> Outcome:
    """Read the server's answer.

    Args:
        status: HTTP status.
        body: What came with it.
        retry_after: The header of that name; only its form in seconds is understood.
    """
    receipt = _receipt(body) if status in {200, 201, 202, 422} else None
    if receipt is not None and receipt.stored:
        return Outcome("delivered", refusals=tuple(receipt.refused), requests=_understood(receipt.requests))
    reason = _reason(status, body, receipt)
    if status in _ABOUT_THE_BATCH and (receipt is not None or _problem(body) is not None):
        return Outcome("refused", reason=reason)
    if status == _GONE and (said := _problem(body)) is not None and said.error == "Deleted":
        return Outcome("deleted", reason=reason)
    return Outcome("later", reason=reason, barred=status in _BARRED, wait_s=_seconds(retry_after))


def _receipt(body: bytes) -> _Receipt | None:
    try:
        return msgspec.json.decode(body, type=_Receipt)
    except msgspec.MsgspecError:
        return None


def _understood(requests: list[msgspec.Raw]) -> tuple[SliceRequest, ...]:
    found = []
    for request in requests:
        try:
            found.append(msgspec.json.decode(request, type=SliceRequest))
        except msgspec.MsgspecError as error:
            _log.warning("a request of the server is not understood here and passed over: %s", error)
    return tuple(found)


def _problem(body: bytes) -> _Problem | None:
    try:
        return msgspec.json.decode(body, type=_Problem)
    except msgspec.MsgspecError:
        return None


def _reason(status: int, body: bytes, receipt: _Receipt | None) -> str:
    if receipt is not None and receipt.refused:
        return f"{status}: {receipt.refused[0].where}: {receipt.refused[0].reason}"
    problem = _problem(body)
    if problem is not None:
        return f"{status} {problem.error}: {problem.detail}"
    return f"{status}: {body[:120].decode(errors='replace')}"


def _seconds(text: str | None) -> float:
    try:
        return min(max(float(text or 0), 0.0), _LONGEST_WAIT_S)
    except ValueError:
        return 0.0
