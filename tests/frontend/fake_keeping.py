"""Routes that say who looks, and by which runs are deleted, archived and shared."""

import time
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response


@dataclass
class Rights:
    """What whoever looks may do; everything, unless a test says otherwise."""

    account: str = ""
    everywhere: list[str] = field(default_factory=lambda: ["admin", "read", "write"])
    projects: dict[str, list[str]] = field(default_factory=dict)


def keeping_routes(runs: MutableMapping[str, Any], rights: Rights) -> APIRouter:
    """The routes over these runs."""
    router = APIRouter(prefix="/api/v1")

    @router.get("/me")
    async def me() -> Mapping[str, object]:
        return {"name": rights.account or "anybody", **vars(rights)}

    @router.delete("/runs/{run}")
    async def delete(run: str) -> Response:
        return Response(status_code=204) if runs.pop(run, None) else _missing(run)

    @router.put("/runs/{run}/archive")
    async def archive(run: str) -> Response:
        return _set_aside(run, aside=True)

    @router.delete("/runs/{run}/archive")
    async def restore(run: str) -> Response:
        return _set_aside(run, aside=False)

    def _set_aside(run: str, *, aside: bool) -> Response:
        if run not in runs:
            return _missing(run)
        runs[run].summary["archived"] = aside
        return Response(status_code=204)

    @router.get("/runs/{run}/shares")
    async def shares(run: str) -> Response:
        return JSONResponse({"shares": runs[run].shares}) if run in runs else _missing(run)

    @router.post("/runs/{run}/shares")
    async def share(run: str, days: float) -> Response:
        if run not in runs:
            return _missing(run)
        now = time.time()
        made = {"id": f"s{len(runs[run].shares)}", "run": run, "who": "ada", "created": now}
        made["expires"] = now + 86_400 * days
        runs[run].shares.append(made)
        return JSONResponse({**made, "path": f"/shared/ergo_{made['id']}_secret"}, status_code=201)

    @router.delete("/runs/{run}/shares/{share_id}")
    async def end(run: str, share_id: str) -> Response:
        kept = [one for one in runs[run].shares if one["id"] != share_id]
        if len(kept) == len(runs[run].shares):
            return _missing(share_id)
        runs[run].shares[:] = kept
        return Response(status_code=204)

    return router


def _missing(what: str) -> Response:
    return JSONResponse({"error": "Unknown", "detail": f"there is nothing named {what!r}"}, status_code=404)
