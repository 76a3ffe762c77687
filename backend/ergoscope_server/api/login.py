"""Logging in and out of a browser, and who one is."""

from functools import partial
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from ergoscope_server.api.answer import JsonAnswer, problem
from ergoscope_server.api.caller import CallerOf, PeopleOf
from ergoscope_server.api.cookies import COOKIE, LOGIN, SEE_OTHER, cookie_of, login_address, set_cookie, within
from ergoscope_server.people.logins import LockedError, LoginError, log_in
from ergoscope_server.people.tokens import read_secret
from ergoscope_server.store.people import LONGEST_S

MOST_BYTES = 8192
MOST_FIELDS = 16

router = APIRouter()


@router.post(LOGIN, include_in_schema=False)
async def login(request: Request, people: PeopleOf) -> Response:
    """Take name and password of a form, and send the browser where it wanted to go."""
    form = await _form(request)
    if form is None:
        return problem(413, "Size", f"the form has more than {MOST_BYTES} bytes; a name and a password have fewer")
    address = request.client.host if request.client else ""
    wanted = within(form.get("next", "/"))
    entering = partial(log_in, people, form.get("name", ""), form.get("password", ""), address=address)
    try:
        async with request.app.state.logins:  # one at a time: many at once take time, and neither memory nor threads
            secret = await run_in_threadpool(entering)
    except LoginError as error:
        said = "locked" if isinstance(error, LockedError) else "wrong"
        return RedirectResponse(login_address(wanted, said=said), SEE_OTHER)
    answer = RedirectResponse(wanted, SEE_OTHER)
    set_cookie(answer, request, COOKIE, secret.token, lasts_s=LONGEST_S)
    return answer


@router.post("/logout", include_in_schema=False)
def logout(request: Request, people: PeopleOf) -> Response:
    """End the browser's session, and forget it there."""
    secret = read_secret(cookie_of(request.headers, COOKIE))
    found = people.session(secret.id) if secret is not None else None
    if secret is not None and found is not None and secret.fits(found[0].digest):
        people.end_session(secret.id)
    answer = RedirectResponse(LOGIN, SEE_OTHER)
    set_cookie(answer, request, COOKIE, "", lasts_s=0)
    return answer


@router.get("/api/v1/me", tags=["people"], response_class=JsonAnswer)
def me(caller: CallerOf) -> JsonAnswer:
    """Who asks, and what they may do: in all projects, and in some. `account` is empty where nobody is logged in."""
    projects = {project: sorted(rights) for project, rights in caller.projects.items()}
    told: dict[str, object] = {"name": caller.name, "account": caller.account}
    return JsonAnswer({**told, "everywhere": sorted(caller.everywhere), "projects": projects})


async def _form(request: Request) -> dict[str, str] | None:
    """Read the fields of a form; None where it is too long."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            return None
    try:
        fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:  # more fields than a form of ours has
        return {}
    return {name: values[0] for name, values in fields.items()}
