"""Slices of the loss around a run's weights: asked for here, measured by the job, read here again."""

import secrets
from typing import Annotated, get_args

import msgspec
import numpy as np
from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from msgspec.structs import asdict, fields

from ergoscope_contract.answers import Landscape, Slice
from ergoscope_contract.records import Grid
from ergoscope_contract.slices import Axes, Dimensions, SliceRequest
from ergoscope_server.api.answer import JsonAnswer, problem, spelled
from ergoscope_server.api.bodies import read_body
from ergoscope_server.api.examples import ASKED, SLICE, SLICES, WITHDRAWN, answered
from ergoscope_server.api.runs import unknown
from ergoscope_server.api.service import ServiceOf
from ergoscope_server.indicators.parabola import centre, misfit, parabola
from ergoscope_server.indicators.points import FloatArray
from ergoscope_server.store.errors import (
    AnsweredSliceError,
    EndedRunError,
    OpenSliceError,
    UnknownRunError,
    UnknownSliceError,
)
from ergoscope_server.store.slices import Asked

MOST_SLICES = 100
MOST_BYTES = 4096
_ALLOWED = {"axes": get_args(Axes), "dimensions": get_args(Dimensions)}
_CHOICES = tuple(field.name for field in fields(SliceRequest) if field.name != "id")

router = APIRouter(prefix="/api/v1", tags=["slices"], default_response_class=JsonAnswer)


@router.post("/runs/{run}/slices", status_code=201, responses=ASKED, openapi_extra=SLICE)
async def ask_slice(request: Request, service: ServiceOf, run: str) -> JsonAnswer:
    """Ask the job for a slice of the loss around its weights: along one direction, or over a plane of two.

    The job hears of it with the answer to its next batch and measures it a few forward passes at a time, for which it
    spends as much again as its budget. `axes`: the steepest directions of the loss (`hessian`), the last update and the
    gradient (`update`), or seeded random directions (`random`). `extent` is half the width in weight norm, `share` the
    share of the step time, from 0.001 to 1, that may be spent instead; without them the agent chooses. An empty body
    asks for what is usual. One slice at a time: one that nothing answers, as where rank 0 of the job is not watched,
    must be withdrawn before another can be asked for.
    """
    try:
        wanted = _wanted(await read_body(request, most=MOST_BYTES))
        await run_in_threadpool(service.store.ask_slice, run, wanted)
    except msgspec.DecodeError as error:
        return problem(422, "Parameter", str(error))
    except EndedRunError as error:
        return problem(422, "Ended", str(error))
    except OpenSliceError as error:
        return problem(409, "Open", str(error))
    except UnknownRunError:
        return unknown(run)
    service.bus.publish(run, "slice")
    return JsonAnswer(asdict(wanted), status_code=201)


@router.get("/runs/{run}/slices", responses=answered(slices=SLICES))
def list_slices(service: ServiceOf, run: str, limit: Annotated[int, Query(ge=1, le=MOST_SLICES)] = 20) -> JsonAnswer:
    """The slices that were asked for, newest first: `open`, `measuring` (some rows are there), `done` or `refused`.

    `values` has the loss at each of `offsets`; on a plane row by row, a row for each offset of the first axis. An
    offset times the axis's `scale` is a distance in weight norm; `update` is the length of the last update. `predicted`
    is the parabola of slope and curvature at the centre, `misfit` how far the loss is from it: 0 for a quadratic, 1
    where the parabola says nothing. What is not measured yet is "NaN". `values` is taken with normalisation layers in
    the mode that `mode` names, `running` with them on running statistics.
    """
    try:
        found = service.store.slices(run, limit=limit)
    except UnknownRunError:
        return unknown(run)
    return JsonAnswer({"slices": [_told(one) for one in found]})


@router.delete("/runs/{run}/slices/{slice_id}", status_code=204, response_class=Response, responses=WITHDRAWN)
def withdraw_slice(service: ServiceOf, run: str, slice_id: str) -> Response:
    """Withdraw a question: the job stops measuring the slice when it hears of it, and what comes of it is dropped.

    It reads as refused from then on, with what was measured of it before. To withdraw it twice does no harm.
    """
    try:
        service.store.withdraw_slice(run, slice_id)
    except UnknownRunError:
        return unknown(run)
    except UnknownSliceError as error:
        return problem(404, "Unknown", str(error))
    except AnsweredSliceError as error:
        return problem(409, "Answered", str(error))
    service.bus.publish(run, "slice")
    return Response(status_code=204)


def _wanted(body: bytes) -> SliceRequest:
    given = msgspec.json.decode(body or b"{}", type=dict[str, str | int | float | None])
    for name, value in given.items():
        if name not in _CHOICES:
            raise msgspec.ValidationError(f"there is no {name!r:.80} to choose; there are: {', '.join(_CHOICES)}")
        if name in _ALLOWED and value not in _ALLOWED[name]:
            allowed = ", ".join(map(str, _ALLOWED[name]))
            raise msgspec.ValidationError(f"{name} is {value!r:.80}; allowed: {allowed}")
    return msgspec.convert({**given, "id": secrets.token_hex(4)}, SliceRequest)


def _told(asked: Asked) -> object:
    told = spelled(
        Slice(
            id=asked.id,
            state=asked.state,
            asked=asked.asked,
            reason=asked.reason,
            landscape=landscape(asked.grid) if asked.grid is not None and not asked.grid.refused else None,
        )
    )
    request = None if asked.request is None else asdict(asked.request)
    return {**told, "request": request} if isinstance(told, dict) else told


def landscape(grid: Grid) -> Landscape:
    """Unpack a grid, and lay the parabola beside it where slopes and curvatures are known."""
    offsets = [np.frombuffer(axis, "<f8") for axis in grid.offsets]
    values = np.frombuffer(grid.values, "<f8").reshape([len(axis) for axis in offsets])
    level = centre(offsets, values)
    predicted = np.empty(0)
    if level is not None and grid.slopes and grid.curvatures:
        predicted = parabola(offsets, level=level, slopes=grid.slopes, curvatures=grid.curvatures)
    apart = level is not None and predicted.size and not grid.partial
    return Landscape(
        step=grid.step,
        axes=grid.axes,
        scales=grid.scales,
        offsets=[axis.tolist() for axis in offsets],
        values=_flat(values),
        running=_flat(np.frombuffer(grid.running, "<f8")),
        mode=grid.mode,
        predicted=_flat(predicted),
        misfit=misfit(values, predicted, level=level or 0.0) if apart else None,
        curvatures=grid.curvatures,
        slopes=grid.slopes,
        update=grid.update,
        batch=grid.batch,
        how=grid.how,
    )


def _flat(values: FloatArray) -> list[float]:
    flat: list[float] = values.ravel().tolist()
    return flat
