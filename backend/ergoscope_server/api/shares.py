"""Links by which anybody who has one reads one run, until it expires or is taken back."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from ergoscope_server.api.answer import JsonAnswer, problem
from ergoscope_server.api.caller import CallerOf, PeopleOf
from ergoscope_server.api.cookies import SEE_OTHER, SHARED, set_cookie
from ergoscope_server.api.examples import MISSING
from ergoscope_server.api.runs import unknown
from ergoscope_server.people.tokens import draw, read_secret
from ergoscope_server.store.shares import ShareRow

MOST_DAYS = 365.0

router = APIRouter(tags=["people"], default_response_class=JsonAnswer)


@router.post("/api/v1/runs/{run}/shares", status_code=201, responses=MISSING)
def share_run(
    run: str,
    caller: CallerOf,
    people: PeopleOf,
    days: Annotated[float, Query(gt=0, le=MOST_DAYS, description="After which the link expires.")] = 7.0,
) -> JsonAnswer:
    """Make a link to a run: whoever has it may read this run, and nothing else. It is told this once."""
    if run not in people.projects([run]):
        return unknown(run)
    secret = draw()
    row = people.add_share(secret.id, secret.digest, run=run, who=caller.name, lasts_s=days * 86400)
    return JsonAnswer({**_told(row), "path": f"/shared/{secret.token}"}, 201)


@router.get("/api/v1/runs/{run}/shares", responses=MISSING)
def list_shares(run: str, people: PeopleOf) -> JsonAnswer:
    """The links to a run that have not expired, the oldest first, without what opens them."""
    if run not in people.projects([run]):
        return unknown(run)
    return JsonAnswer({"shares": [_told(row) for row in people.shares(run)]})


@router.delete("/api/v1/runs/{run}/shares/{share_id}", status_code=204, response_class=Response, responses=MISSING)
def end_share(run: str, share_id: str, people: PeopleOf) -> Response:
    """Take a link to a run back; it opens nothing a second later."""
    if not people.end_share(run, share_id):
        text = f"run {run!r} has no link {share_id!r} that is open; `ergoscope share {run} --list` has those there are"
        return problem(404, "Unknown", text)
    return Response(status_code=204)


@router.get("/shared/{token}", include_in_schema=False)
def open_share(token: str, request: Request, people: PeopleOf) -> Response:
    """Let a browser in by a link, and show it the run."""
    secret = read_secret(token)
    row = people.share(secret.id) if secret is not None else None
    if secret is None or row is None or not secret.fits(row.digest):
        return problem(404, "Unknown", "this link has expired, or was taken back; ask who sent it for another")
    answer = RedirectResponse(f"/runs/{row.run}", SEE_OTHER)
    set_cookie(answer, request, SHARED, token, lasts_s=row.expires - row.created)
    return answer


def _told(row: ShareRow) -> dict[str, object]:
    return {"id": row.id, "run": row.run, "who": row.who, "created": row.created, "expires": row.expires}
