"""The service as the page asks it: the only HTTP of this package.

Every method is a coroutine: the page shares one process and one event loop with the service, so a question that
waited on the loop would wait for itself. The blocking socket work runs in a thread.
"""

import asyncio
from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec
import urllib3

from ergoscope_contract.answers import Alert, RankSummary, RunSummary, Share, Slice, Verdict
from ergoscope_contract.records import Event, Histogram, JsonObject
from ergoscope_contract.slices import Axes, Dimensions
from ergoscope_ui.curve import Curve, from_answer
from ergoscope_ui.errors import RefusedError, UnknownError, UnreachableError
from ergoscope_ui.rights import Rights, read_rights
from ergoscope_ui.settings import Settings
from ergoscope_ui.spectrum import Spectrum, read_spectrum
from ergoscope_ui.visitor import brought

T = TypeVar("T")

_LONG_S = 60.0  # the service deletes for some seconds before it answers
_RUNS_AT_ONCE = 100  # as many as the service takes in one question


class Client:
    """Questions to one service.

    Raises (every method):
        UnreachableError: nobody answered within the timeout.
        UnknownError: the service knows nothing under that name.
        RefusedError: any other error answer, with the service's own text.
    """

    def __init__(self, settings: Settings) -> None:
        self._url = settings.server_url.rstrip("/")
        self._timeout = settings.timeout_s
        self._pool = urllib3.PoolManager(
            maxsize=8, retries=urllib3.Retry(connect=1, read=0, redirect=0, backoff_factor=0.1)
        )

    async def runs(self, *, limit: int, archived: bool = False) -> list[RunSummary]:
        """The newest runs, newest first; those that were set aside, or those that were not."""
        asked = {"limit": str(limit), **({"archived": "true"} if archived else {})}
        return await self._list("/api/v1/runs", asked, "runs", RunSummary)

    async def rights(self) -> Rights:
        """Who looks, and what they may do."""
        return read_rights(await self._get("/api/v1/me"))

    async def run(self, run: str) -> RunSummary:
        """One run."""
        return _convert(await self._get(f"/api/v1/runs/{_quoted(run)}"), RunSummary)

    async def verdict(self, run: str) -> Verdict:
        """What is said of a run; an undecided verdict when nothing is said yet."""
        try:
            return _convert(await self._get(f"/api/v1/runs/{_quoted(run)}/verdict"), Verdict)
        except UnknownError:
            return Verdict(run=run, step=0)

    async def alerts(self, *, run: str = "", state: str = "") -> list[Alert]:
        """Alerts, of one run and in one state when given."""
        asked = {key: value for key, value in {"run": run, "state": state}.items() if value}
        return await self._list("/api/v1/alerts", asked, "alerts", Alert)

    async def events(self, run: str) -> list[Event]:
        """What happened in a run."""
        return await self._list(f"/api/v1/runs/{_quoted(run)}/events", {}, "events", Event)

    async def ranks(self, run: str) -> list[RankSummary]:
        """The ranks of a run's newest attempt, by number."""
        return await self._list(f"/api/v1/runs/{_quoted(run)}/ranks", {}, "ranks", RankSummary)

    async def slices(self, run: str, *, limit: int) -> list[Slice]:
        """The newest slices of the loss that a run was asked for, newest first."""
        return await self._list(f"/api/v1/runs/{_quoted(run)}/slices", {"limit": str(limit)}, "slices", Slice)

    async def ask_slice(self, run: str, *, axes: Axes, dimensions: Dimensions) -> None:
        """Ask a run's job for a slice of the loss, otherwise as usual."""
        asked = msgspec.json.encode({"axes": axes, "dimensions": dimensions})
        await asyncio.to_thread(self._ask, f"/api/v1/runs/{_quoted(run)}/slices", asked)

    async def withdraw_slice(self, run: str, slice_id: str) -> None:
        """Take back the question for a slice that is waited for."""
        await asyncio.to_thread(self._ask, f"/api/v1/runs/{_quoted(run)}/slices/{_quoted(slice_id)}", method="DELETE")

    async def delete(self, run: str) -> None:
        """Delete a run with everything that was kept of it."""
        path = f"/api/v1/runs/{_quoted(run)}"
        await asyncio.to_thread(self._ask, path, method="DELETE", timeout_s=_LONG_S)

    async def archive(self, run: str, *, aside: bool) -> None:
        """Set a run aside, or take it back."""
        method = "PUT" if aside else "DELETE"
        await asyncio.to_thread(self._ask, f"/api/v1/runs/{_quoted(run)}/archive", method=method)

    async def shares(self, run: str) -> list[Share]:
        """The links to a run that have not expired, oldest first."""
        return await self._list(f"/api/v1/runs/{_quoted(run)}/shares", {}, "shares", Share)

    async def share(self, run: str, *, days: float) -> Share:
        """Make a link to a run; its path is told this once."""
        path = f"/api/v1/runs/{_quoted(run)}/shares?{urlencode({'days': f'{days:g}'})}"
        return _convert(await asyncio.to_thread(self._ask, path, method="POST"), Share)

    async def end_share(self, run: str, share_id: str) -> None:
        """Take a link back."""
        await asyncio.to_thread(self._ask, f"/api/v1/runs/{_quoted(run)}/shares/{_quoted(share_id)}", method="DELETE")

    async def histograms(self, run: str, key: str, *, limit: int) -> list[Histogram]:
        """The newest histograms of one key, oldest first."""
        asked = {"key": key, "limit": str(limit)}
        found = await self._list(f"/api/v1/runs/{_quoted(run)}/histograms", asked, "histograms", Histogram)
        return sorted(found, key=lambda histogram: histogram.step)

    async def spectra(self, run: str, key: str, *, limit: int) -> list[Spectrum]:
        """The newest spectra of one key, oldest first; those that cannot be read are left out."""
        asked = {"key": key, "limit": str(limit)}
        answer = await self._get(f"/api/v1/runs/{_quoted(run)}/spectra?{urlencode(asked)}")
        read = [read_spectrum(entry) for entry in _entries(answer.get("spectra"))]
        return sorted((one for one in read if one is not None), key=lambda spectrum: spectrum.step)

    async def keys(self, run: str, *, own: bool = False) -> list[str]:
        """The names of a run's series; of one that was forked, with those it shows of others, or its `own` alone."""
        answer = await self._get(f"/api/v1/runs/{_quoted(run)}/metrics{'?own=true' if own else ''}")
        return list(dict.fromkeys(str(entry.get("key", "")) for entry in _entries(answer.get("metrics"))))

    async def series(
        self,
        run: str,
        metrics: Sequence[str],
        *,
        buckets: int | None = None,
        first: int | None = None,
        last: int | None = None,
        own: bool = False,
    ) -> dict[str, Curve]:
        """Curves of one run by metric; names may end in /* . Rank 0. Full resolution when `buckets` is None.

        own: of a run that was forked, without the history of the run it comes from.
        """
        if not metrics:
            return {}  # without a name the service would answer with all
        query = _series_query(metrics, buckets=buckets, first=first, last=last) + ([("own", "true")] if own else [])
        return _curves(await self._get(f"/api/v1/runs/{_quoted(run)}/series?{urlencode(query)}"), run)

    async def many(
        self,
        runs: Sequence[str],
        metrics: Sequence[str],
        *,
        buckets: int | None = None,
        first: int | None = None,
        last: int | None = None,
    ) -> dict[str, dict[str, Curve]]:
        """Curves of several runs: by run, then by metric."""
        options = _series_query(metrics, buckets=buckets, first=first, last=last)
        parts = [runs[start : start + _RUNS_AT_ONCE] for start in range(0, len(runs), _RUNS_AT_ONCE)]
        queries = [urlencode([("runs", run) for run in part] + options) for part in parts]
        answers = await asyncio.gather(*[self._get(f"/api/v1/series?{query}") for query in queries])
        found: dict[str, dict[str, Curve]] = {}
        for entry in (entry for answer in answers for entry in _entries(answer.get("runs"))):
            found[str(entry.get("run", ""))] = _curves(entry, str(entry.get("run", "")))
        return found

    async def _list(self, path: str, asked: dict[str, str], name: str, kind: type[T]) -> list[T]:
        answer = await self._get(f"{path}?{urlencode(asked)}" if asked else path)
        return _convert(answer.get(name, []), list[kind])  # type: ignore[valid-type]  # msgspec takes the type as a value

    async def _get(self, path: str) -> JsonObject:
        return await asyncio.to_thread(self._ask, path)

    def _ask(self, path: str, body: bytes | None = None, *, method: str = "", timeout_s: float = 0.0) -> JsonObject:
        """Get what is at a path, or post a body there; or use another method. An answer without content is empty.

        timeout_s: 0 means the usual one.
        """
        method = method or ("GET" if body is None else "POST")
        headers = {"Accept": "application/json", "Origin": self._url, **brought()}
        try:
            answer = self._pool.request(
                method, self._url + path, body=body, headers=headers, timeout=timeout_s or self._timeout
            )
        except urllib3.exceptions.HTTPError as error:
            raise UnreachableError(
                f"{self._url} did not answer ({type(error).__name__}); is the service up?"
            ) from error
        if answer.status >= 400:
            kind = UnknownError if answer.status == 404 else RefusedError
            raise kind(_reason(answer.data, answer.status))
        try:
            return {} if answer.status in (202, 204) else msgspec.json.decode(answer.data, type=JsonObject)
        except msgspec.MsgspecError as error:
            raise RefusedError(f"{self._url}{path} answered something that is no JSON object: {error}") from error


def _series_query(
    metrics: Sequence[str], *, buckets: int | None, first: int | None, last: int | None
) -> list[tuple[str, str]]:
    options = {"buckets": buckets, "first": first, "last": last}
    return [("metrics", name) for name in metrics] + [(k, str(v)) for k, v in options.items() if v is not None]


def _curves(answer: JsonObject, run: str) -> dict[str, Curve]:
    cursor = int(str(answer.get("cursor") or 0))
    curves = [from_answer(run, cursor, entry) for entry in _entries(answer.get("series"))]
    return {curve.metric: curve for curve in curves}


def _entries(listed: object) -> list[JsonObject]:
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def _reason(body: bytes, status: int) -> str:
    try:
        told = msgspec.json.decode(body, type=JsonObject)
    except msgspec.MsgspecError:
        return f"the service answered {status}"
    return str(told.get("detail") or told.get("error") or f"the service answered {status}")


def _convert(raw: object, kind: type[T]) -> T:
    try:
        return msgspec.convert(raw, kind, strict=False)  # not strict: "NaN" and "Infinity" are how floats are spelled
    except msgspec.ValidationError as error:
        raise RefusedError(
            f"the service's answer cannot be read: {error}; are page and service one version?"
        ) from error


def _quoted(name: str) -> str:
    return quote(name, safe="")
