"""GET /api/v1/runs/{run}/export: a run whole, as a file, streamed."""

from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import chain
from typing import Annotated, Literal, TypeAlias
from urllib.parse import quote

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from starlette.types import Send

from ergoscope_contract.answers import RunSummary
from ergoscope_server.api.answer import problem
from ergoscope_server.api.examples import EXPORTED
from ergoscope_server.api.formats import write_csv, write_json
from ergoscope_server.api.runs import HIGHEST_RANK, unknown
from ergoscope_server.api.series import Names
from ergoscope_server.api.service import MOST_EXPORTS, Service, ServiceOf
from ergoscope_server.store.errors import UnknownRunError, UnknownSeriesError
from ergoscope_server.store.extract import Extraction

RETRY_S = 5
MEDIA = {"csv": "text/csv; charset=utf-8", "json": "application/json", "parquet": "application/vnd.apache.parquet"}

Format = Literal["csv", "json", "parquet"]
Write: TypeAlias = Callable[[RunSummary, Extraction], Iterator[bytes]]

router = APIRouter(prefix="/api/v1", tags=["series"])


class ExportsError(RuntimeError):
    """As many runs are being given out whole as may be at once."""


class Download(StreamingResponse):
    """A file that is written while it is sent; when the reader leaves, what it holds is given up at once."""

    def __init__(
        self, first: bytes, pieces: Generator[bytes, None, None], *, media_type: str, headers: dict[str, str]
    ) -> None:
        """Send `first`, and then the rest, each of which is made in a thread."""
        super().__init__(chain([first], pieces), media_type=media_type, headers=headers)
        self._pieces = pieces

    async def stream_response(self, send: Send) -> None:
        """Send it."""
        try:
            await super().stream_response(send)
        finally:
            self._pieces.close()


@router.get("/runs/{run}/export", response_class=StreamingResponse, responses=EXPORTED)
def export_run(
    service: ServiceOf,
    run: str,
    kind: Annotated[Format, Query(alias="format")] = "csv",
    metrics: Names = None,
    metric: Names = None,
    rank: Annotated[int | None, Query(ge=0, le=HIGHEST_RANK, description="One rank; without it each.")] = None,
) -> Response:
    """Everything that was logged of a run at full resolution, each attempt and rank for itself; all from one moment.

    A row a point: metric, attempt, rank, step, value. Of several points that one attempt and rank logged at a step, the
    last. Where retention has thinned a series, a row stands for a stretch, and further columns say for how many points,
    from which step on, with which lowest, highest and mean value, and how many of them were not finite.
    """
    try:
        write = _writer(kind)
    except ImportError as error:
        text = f"Parquet needs {error.name}, which the service has not; there: pip install 'ergoscope[parquet]'"
        return problem(422, "Format", text)
    summary = service.store.summary(run)
    if summary is None:
        return unknown(run)
    names = list(dict.fromkeys([*(metrics or []), *(metric or [])]))
    pieces = _pieces(service, summary, write, names, rank)
    try:
        first = next(pieces)
    except UnknownRunError:
        return unknown(run)
    except UnknownSeriesError as error:
        return problem(404, "Unknown", str(error))
    except ExportsError as error:
        return problem(503, "Busy", str(error), headers={"Retry-After": str(RETRY_S)})
    saved_as = f'attachment; filename="{quote(run, safe="")}.{kind}"'
    return Download(first, pieces, media_type=MEDIA[kind], headers={"Content-Disposition": saved_as})


def _writer(kind: Format) -> Write:
    if kind == "parquet":
        from ergoscope_server.api.parquet import write_parquet

        return write_parquet
    return write_json if kind == "json" else write_csv


def _pieces(
    service: Service, summary: RunSummary, write: Write, metrics: Sequence[str], rank: int | None
) -> Generator[bytes, None, None]:
    """Give the file; what is to be refused is raised before its first piece."""
    if not service.exports.acquire(blocking=False):
        raise ExportsError(f"{MOST_EXPORTS} runs are being exported, as many as may be at once; try again soon")
    try:
        service.store.fold(summary.id)  # so that next to nothing must be taken out of the log, which is read at once
        with service.store.upkeep.extraction(summary.id, metrics, rank=rank) as extraction:
            yield from write(summary, extraction)
    finally:
        service.exports.release()
