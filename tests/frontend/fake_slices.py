"""Slices of the loss: invented ones, and the routes of a service that is asked for them."""

import time
from collections.abc import Mapping
from typing import Protocol

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from ergoscope_contract.jsonable import spell_all


class Sliced(Protocol):
    """What a run must have to be asked."""

    status: str
    slices: list[dict[str, object]]


def slice_routes(runs: Mapping[str, Sliced]) -> APIRouter:
    """POST keeps an open slice, and refuses one of an ended run; DELETE withdraws one that is open; GET lists them."""
    router = APIRouter()

    @router.get("/api/v1/runs/{run}/slices")
    async def slices(run: str, limit: int = 20) -> dict[str, object]:
        return {"slices": runs[run].slices[:limit] if run in runs else []}

    @router.post("/api/v1/runs/{run}/slices")
    async def ask(run: str, request: Request) -> Response:
        asked = {"id": f"s{len(runs[run].slices)}", **await request.json()}
        if runs[run].status != "running":
            said = {"error": "Ended", "detail": "the run has ended; nothing can measure it"}
            return JSONResponse(said, status_code=422)
        runs[run].slices.insert(0, {"id": asked["id"], "state": "open", "asked": time.time(), "request": asked})
        return JSONResponse(asked, status_code=201)

    @router.delete("/api/v1/runs/{run}/slices/{name}")
    async def withdraw(run: str, name: str) -> Response:
        found = next(one for one in runs[run].slices if one["id"] == name)
        if found["state"] == "done":
            said = {"error": "Answered", "detail": f"slice {name!r} is answered already; there is nothing to withdraw"}
            return JSONResponse(said, status_code=409)
        found |= {"state": "refused", "reason": "it was withdrawn"}
        return Response(status_code=204)

    return router


def told(landscape: dict[str, object], *, state: str = "done") -> dict[str, object]:
    """A slice as the service tells it."""
    return {"id": "s1", "state": state, "asked": time.time() - 60, "request": None, "landscape": landscape}


def line(*, rows: int = 21, running: bool = True) -> dict[str, object]:
    """A slice along one direction of a loss with a quartic beyond its parabola; `rows` of 21 are measured."""
    a = np.linspace(-0.5, 0.5, 21)
    loss = 0.39 + 0.02 * a + 4 * a**2 + 6 * a**4
    values = np.where(np.arange(21) < rows, loss, np.nan)
    extra = {"running": spell_all((0.36 + 0.7 * (loss - 0.3)).tolist()), "mode": "batch statistics"} if running else {}
    return {
        "step": 18_200,
        "axes": ["steepest direction"],
        "scales": [1.0],
        "offsets": [a.tolist()],
        "values": spell_all(values.tolist()),
        "predicted": (0.39 + 0.02 * a + 4 * a**2).tolist(),
        "misfit": 0.084 if rows == 21 else None,
        "curvatures": [8.0],
        "slopes": [0.02],
        "update": 0.031,
        "batch": "9c41f0",
        **extra,
    }


def plane(*, rows: int = 21, running: bool = False) -> dict[str, object]:
    """A slice over two directions."""
    a, b = np.linspace(-0.5, 0.5, 21), np.linspace(-0.9, 0.9, 21)
    x, y = np.meshgrid(a, b, indexing="ij")
    parabola = 0.39 + 4 * x**2 + 0.6 * y**2
    loss = parabola + 6 * x**4 + 1.2 * x**2 * y - 0.3 * y**3
    values = np.where(np.arange(21)[:, None] < rows, loss, np.nan)
    extra = {"running": (0.3 + 0.8 * loss).ravel().tolist(), "mode": "batch statistics"} if running else {}
    return {
        "step": 18_200,
        "axes": ["steepest direction", "second steepest direction"],
        "scales": [1.0, 1.0],
        "offsets": [a.tolist(), b.tolist()],
        "values": spell_all(values.ravel().tolist()),
        "predicted": parabola.ravel().tolist(),
        "misfit": 0.17 if rows == 21 else None,
        "curvatures": [8.0, 1.2],
        "slopes": [0.0, 0.0],
        "update": 0.031,
        "batch": "9c41f0",
        **extra,
    }
