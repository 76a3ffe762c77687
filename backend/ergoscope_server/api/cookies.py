"""What a browser brings that is logged in, and where it is sent that is not."""

from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.requests import Request, cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

COOKIE = "ergoscope_session"
SHARED = "ergoscope_link"
BEGUN = "ergoscope_login"  # at a provider
LOGIN = "/login"
SEE_OTHER = 303


def cookie_of(headers: Headers, name: str) -> str:
    """Give what a cookie holds; empty where there is none."""
    return cookie_parser(headers.get("cookie", "")).get(name, "")


def set_cookie(answer: Response, request: Request, name: str, value: str, *, lasts_s: float, path: str = "/") -> None:
    """Have the browser keep a cookie: for requests alone, not for scripts, and by TLS only where it came so."""
    secure = by_tls(request)
    answer.set_cookie(name, value, max_age=int(lasts_s), path=path, httponly=True, secure=secure, samesite="lax")


def by_tls(request: Request) -> bool:
    """Say whether the browser came by TLS, or through a proxy for a name that is reached so."""
    return request.url.scheme == "https" or request.url.hostname in request.app.state.https_names


def to_login(scope: Scope, *, said: str = "") -> Response:
    """Send a browser to log in, and back to where it wanted to go."""
    query = scope["query_string"].decode("latin-1")
    return RedirectResponse(login_address(scope["path"] + (f"?{query}" if query else ""), said=said), SEE_OTHER)


def login_address(wanted: str, *, said: str = "") -> str:
    """Give the address of the login page.

    Args:
        wanted: Where to go afterwards.
        said: What the page is to say, such as "wrong" or "locked".

    Example:
        >>> login_address("/runs/a?tab=layers", said="wrong")
        '/login?said=wrong&next=/runs/a%3Ftab%3Dlayers'
    """
    return f"{LOGIN}?{f'said={said}&' if said else ''}next={quote(within(wanted))}"


def within(wanted: str) -> str:
    """Give an address of this service: what leads elsewhere becomes the first page.

    Example:
        >>> within("/compare?runs=a"), within("//evil.example"), within("https://evil.example"), within("/\\\\evil")
        ('/compare?runs=a', '/', '/', '/')
    """
    plain = wanted.isprintable() and "\\" not in wanted
    return wanted if plain and wanted.startswith("/") and not wanted.startswith("//") else "/"
