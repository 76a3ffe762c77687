"""Logging in at a provider: sending a browser there, and what it is told when it comes back."""

import logging
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Protocol

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from ergoscope_server.api.answer import problem
from ergoscope_server.api.caller import PeopleOf
from ergoscope_server.api.cookies import BEGUN, COOKIE, SEE_OTHER, cookie_of, login_address, set_cookie, within
from ergoscope_server.people.identity import Identity, ProviderError
from ergoscope_server.people.logins import KeptOutError, LockedError, count_return, log_in_by
from ergoscope_server.store.people import LONGEST_S

if TYPE_CHECKING:
    from ergoscope_server.people.begun import Begun

GO, BACK = "/login/provider", "/login/provider/back"
LONGEST_WANTED = 2000  # characters of an address, since the browser keeps it in a cookie
KEPT_S = 600.0
_log = logging.getLogger(__name__)


class Provider(Protocol):
    """Where people log in."""

    async def begin(self, wanted: str, *, back: str) -> tuple[str, str]:
        """Give where to send the browser, and what it is to keep."""
        ...

    def recognise(self, kept: str, answer: Mapping[str, str]) -> "Begun":
        """Give the login that a browser comes back from."""
        ...

    async def finish(self, begun: "Begun", code: str, *, back: str) -> Identity:
        """Give who it is."""
        ...


router = APIRouter(include_in_schema=False)


@router.get(GO)
async def go(request: Request, next: str = "/") -> Response:  # noqa: A002  # as the address names it
    """Send a browser to the provider."""
    provider = _provider(request)
    if provider is None:
        return _none()
    wanted = within(next)
    wanted = wanted if len(wanted) <= LONGEST_WANTED else "/"
    try:
        address, kept = await provider.begin(wanted, back=_back(request))
    except ProviderError as error:
        return _refused(error, wanted)
    answer = RedirectResponse(address, SEE_OTHER)
    set_cookie(answer, request, BEGUN, kept, lasts_s=KEPT_S, path=GO)
    return answer


@router.get(BACK)
async def come_back(request: Request, people: PeopleOf) -> Response:
    """Log somebody in whom the provider has let in, and send the browser where it wanted to go."""
    provider = _provider(request)
    if provider is None:
        return _none()
    address = request.client.host if request.client else ""
    role: str = request.app.state.first_role
    try:
        begun = provider.recognise(cookie_of(request.headers, BEGUN), request.query_params)
        await run_in_threadpool(count_return, people, address)  # not before, as pages of others may send a browser here
        identity = await provider.finish(begun, request.query_params.get("code", ""), back=_back(request))
        entering = partial(log_in_by, people, identity, role=role, address=address)
        secret, person = await run_in_threadpool(entering)
    except ProviderError as error:
        answer = _refused(error, "/")
    except LockedError:
        answer = RedirectResponse(login_address("/", said="locked"), SEE_OTHER)
    except KeptOutError:
        answer = RedirectResponse(login_address("/", said="out"), SEE_OTHER)
    else:
        may = person.admin or bool(person.roles)
        answer = RedirectResponse(within(begun.wanted) if may else login_address("/", said="waiting"), SEE_OTHER)
        set_cookie(answer, request, COOKIE, secret.token, lasts_s=LONGEST_S)
    set_cookie(answer, request, BEGUN, "", lasts_s=0, path=GO)
    return answer


def _provider(request: Request) -> Provider | None:
    provider: Provider | None = request.app.state.provider
    return provider


def _none() -> Response:
    return problem(404, "Unknown", "people log in with a password here; ERGOSCOPE_OIDC_ISSUER would name a provider")


def _refused(error: ProviderError, wanted: str) -> RedirectResponse:
    """Tell the browser in a sentence, and the log why."""
    ours = error.said in ("away", "unproven")  # else it is the browser's, and not worth a warning
    _log.log(logging.WARNING if ours else logging.INFO, "nobody was logged in by the provider: %s", error)
    return RedirectResponse(login_address(wanted, said=error.said), SEE_OTHER)


def _back(request: Request) -> str:
    """Give the address of this service that the provider sends browsers back to: as the browser knows it."""
    return f"{request.app.state.public_bases.get(request.url.hostname) or _base(request)}{BACK}"


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"
