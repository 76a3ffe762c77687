"""The server's answers over HTTP, as the records of the contract."""

from collections.abc import Mapping, Sequence
from typing import BinaryIO, TypeVar
from urllib.parse import urlencode

import msgspec
import urllib3

from ergoscope.addresses import path_of
from ergoscope.errors import AnswerError, NoServerError, UnknownRunError
from ergoscope_contract.answers import Alert, RankSummary, RunSummary, Slice, Verdict
from ergoscope_contract.records import Event
from ergoscope_contract.slices import SliceRequest

T = TypeVar("T")
Parameters = Sequence[tuple[str, str]]
DOWNLOAD_BYTES = 1 << 16
_NAMES_SHOWN = 5
_UNDERSTOOD = (401, 403, 409, 422)  # the server has read what is asked and says why not


class Line(msgspec.Struct, frozen=True):
    """One series at full resolution; values that JSON cannot say are spelled."""

    metric: str
    steps: list[int]
    values: list[float | str]
    rank: int = 0


class MetricHead(msgspec.Struct, frozen=True):
    """One metric of a run: how many points it has, and the last one."""

    key: str
    points: int
    rank: int = 0
    last_step: int | None = None
    last_value: float | None = None


class _Runs(msgspec.Struct):
    runs: list[RunSummary]


class _Metrics(msgspec.Struct):
    metrics: list[MetricHead]


class _Ranks(msgspec.Struct):
    ranks: list[RankSummary]


class _Lines(msgspec.Struct):
    series: list[Line]


class _Alerts(msgspec.Struct):
    alerts: list[Alert]


class _Events(msgspec.Struct):
    events: list[Event]


class _Slices(msgspec.Struct):
    slices: list[Slice]


class _Problem(msgspec.Struct):
    error: str
    detail: str = ""


class Client:
    """Asks one server."""

    def __init__(self, base_url: str, *, api_key: str = "", timeout_s: float = 30.0) -> None:
        self.base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._pool = urllib3.PoolManager(
            num_pools=1, maxsize=4, retries=False, timeout=urllib3.Timeout(connect=5.0, read=timeout_s)
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def fetch(self, path: str, parameters: Parameters = ()) -> bytes:
        """Get what lies at a path below /api/v1.

        Raises:
            NoServerError: nothing answers.
            UnknownRunError: it is not there.
            AnswerError: the server answered with another error, or is another kind of server.
        """
        return self._request("GET", path, fields=list(parameters))

    def send(self, path: str, content: object) -> bytes:
        """Post JSON to a path below /api/v1, and get what is said to it.

        Raises:
            NoServerError, UnknownRunError: as `fetch`.
            AnswerError: the server refuses, with its reason, or is another kind of server.
        """
        return self._request("POST", path, body=msgspec.json.encode(content))

    def put(self, path: str, content: object) -> bytes:
        """Put JSON at a path below /api/v1, and get what is said to it.

        Raises:
            NoServerError, UnknownRunError: as `fetch`.
            AnswerError: the server refuses, with its reason, or is another kind of server.
        """
        return self._request("PUT", path, body=msgspec.json.encode(content))

    def download(self, path: str, parameters: Parameters, into: BinaryIO) -> None:
        """Write what lies at a path below /api/v1 to a file, as it comes.

        Raises:
            NoServerError, UnknownRunError, AnswerError: as `fetch`; NoServerError too when it breaks off.
        """
        answer = self._ask("GET", f"{path}?{urlencode(parameters)}", preload_content=False)
        try:
            if answer.status != 200:
                raise self._refusal(path, answer.status, answer.read())
            for part in answer.stream(DOWNLOAD_BYTES):
                into.write(part)
        except urllib3.exceptions.HTTPError as error:
            text = f"the answer of {self.base_url} broke off ({type(error).__name__}); ask again"
            raise NoServerError(text) from None
        finally:
            answer.close()

    def delete(self, path: str) -> None:
        """Delete what lies at a path below /api/v1.

        Raises:
            NoServerError, UnknownRunError: as `fetch`.
            AnswerError: the server refuses, with its reason, or is another kind of server.
        """
        self._request("DELETE", path)

    def _request(
        self, method: str, path: str, *, fields: list[tuple[str, str]] | None = None, body: bytes | None = None
    ) -> bytes:
        answer = self._ask(method, path, fields=fields, body=body)
        if answer.status in (200, 201, 202, 204):
            return answer.data
        raise self._refusal(path, answer.status, answer.data)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        fields: list[tuple[str, str]] | None = None,
        body: bytes | None = None,
        preload_content: bool = True,
    ) -> urllib3.BaseHTTPResponse:
        url = f"{self.base_url}/api/v1{path}"
        try:
            return self._pool.request(
                method, url, fields=fields, body=body, headers=self._headers, preload_content=preload_content
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise NoServerError(
                f"no server answers at {self.base_url} ({type(error).__name__}); start one with `ergoscope up`, "
                "or say where it is with --server or ERGOSCOPE_BASE_URL"
            ) from None

    def _refusal(self, path: str, status: int, data: bytes) -> UnknownRunError | AnswerError:
        said = _read_problem(data)
        if status == 404 and said is not None:
            return UnknownRunError(said.detail or said.error)
        if said is not None and said.detail and status in _UNDERSTOOD:
            return AnswerError(said.detail)
        text = f"{said.error}: {said.detail}" if said else "it seems to be no ergoscope server"
        return AnswerError(f"{self.base_url}/api/v1{path} answered {status}; {text}")

    def runs(self, *, archived: bool = False) -> list[RunSummary]:
        """Every run, the newest first; those that were set aside, or those that were not."""
        asked = [("limit", "10000"), *([("archived", "true")] if archived else [])]
        return read(self.fetch("/runs", asked), _Runs).runs

    def run(self, identity: str) -> RunSummary:
        """One run by its id.

        Raises:
            UnknownRunError: there is none.
        """
        return read(self.fetch(path_of(identity)), RunSummary)

    def find(self, reference: str) -> RunSummary:
        """One run by its id, or by a name that only one run has; those that were set aside count where no other does.

        Raises:
            UnknownRunError: none, or several, go by it.
        """
        try:
            return self.run(reference)
        except UnknownRunError:
            named = [run for run in self.runs() if run.name == reference]
            named = named or [run for run in self.runs(archived=True) if run.name == reference]
        if len(named) == 1:
            return named[0]
        if not named:
            raise UnknownRunError(f"no run has the id or name {reference!r}; `ergoscope runs` lists those there are")
        ids = ", ".join(run.id for run in named[:_NAMES_SHOWN])
        raise UnknownRunError(f"{len(named)} runs have the name {reference!r}; give an id: {ids}")

    def metrics(self, identity: str) -> list[MetricHead]:
        """The metrics of a run."""
        return read(self.fetch(path_of(identity, "metrics")), _Metrics).metrics

    def series(
        self,
        identity: str,
        metrics: Sequence[str],
        *,
        first: int | None = None,
        last: int | None = None,
        rank: int | None = None,
        own: bool = False,
    ) -> list[Line]:
        """Series of a run at full resolution, of the steps from `first` to `last`, of one rank or of all as one.

        own: of a run that was forked, without what it has of the run it comes from.
        """
        parameters = [("metrics", metric) for metric in metrics] + ([("own", "true")] if own else [])
        parameters += [("rank", str(rank))] if rank is not None else []
        parameters += [("first", str(first))] if first is not None else []
        parameters += [("last", str(last))] if last is not None else []
        return read(self.fetch(path_of(identity, "series"), parameters), _Lines).series

    def verdict(self, identity: str) -> Verdict:
        """What the indicators say of a run."""
        return read(self.fetch(path_of(identity, "verdict")), Verdict)

    def events(self, identity: str) -> list[Event]:
        """What happened in a run."""
        return read(self.fetch(path_of(identity, "events")), _Events).events

    def ranks(self, identity: str) -> list[RankSummary]:
        """The ranks of a run's newest attempt, by number."""
        return read(self.fetch(path_of(identity, "ranks")), _Ranks).ranks

    def ask_slice(self, identity: str, choices: Mapping[str, object]) -> SliceRequest:
        """Ask the job of a run for a slice of the loss around its weights.

        Args:
            identity: The run's id.
            choices: Fields of a SliceRequest but its id; what is left out is as usual.

        Raises:
            AnswerError: it cannot be asked: a choice that is not allowed, an ended run, or a slice that is waited for.
        """
        return read(self.send(path_of(identity, "slices"), choices), SliceRequest)

    def withdraw_slice(self, identity: str, slice_id: str) -> None:
        """Take a question for a slice back: the job stops measuring it, and another can be asked for.

        Raises:
            UnknownRunError: the run, or a slice of it with this id, is not there.
            AnswerError: it is measured or refused already.
        """
        self.delete(path_of(identity, "slices", slice_id))

    def slices(self, identity: str, *, limit: int = 20) -> list[Slice]:
        """The slices that a run was asked for, the newest first."""
        path = path_of(identity, "slices")
        return read(self.fetch(path, [("limit", str(limit))]), _Slices).slices

    def alerts(self, *, run: str | None = None, state: str | None = None) -> list[Alert]:
        """Alerts, of one run or of all."""
        asked = {"run": run, "state": state}
        parameters = [(name, value) for name, value in asked.items() if value is not None]
        return read(self.fetch("/alerts", parameters), _Alerts).alerts


def read(data: bytes, shape: type[T]) -> T:
    """Read an answer.

    Raises:
        AnswerError: it is of another shape.
    """
    try:
        return msgspec.json.decode(data, type=shape, strict=False)  # not strict: "NaN" is a float here
    except msgspec.MsgspecError as error:
        raise AnswerError(f"the server's answer cannot be read: {error}; is it of another version?") from None


def _read_problem(data: bytes) -> _Problem | None:
    try:
        return msgspec.json.decode(data, type=_Problem)
    except msgspec.MsgspecError:
        return None
