"""What each route needs: the one place where it stands who may do what.

The first row that fits decides. A route that no row fits is closed to everybody but where nobody is asked who they are,
and a test fails until it is declared here. What else is under /api is answered as unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from starlette.routing import compile_path

from ergoscope_server.people.rights import NO_RIGHTS, Right

SOCKET = "WEBSOCKET"  # where others have a method


class Reach(Enum):
    """What an answer is of.

    NOTHING: no run; whoever has the right in any project is let in.
    RUNS: the runs that path or query name, in whose projects the caller must have the right.
    LIST: likewise, and where none is named the endpoint keeps to the projects of the caller.
    PROJECT: the project that the query names.
    BODY: runs that the body names; the endpoint holds each against the caller.
    SERVICE: the whole service; the right must be one in all projects.
    """

    NOTHING = auto()
    RUNS = auto()
    LIST = auto()
    PROJECT = auto()
    BODY = auto()
    SERVICE = auto()


@dataclass(frozen=True, slots=True)
class Need:
    """What a route needs: one of some rights (none: open to everybody) over what it reaches."""

    rights: frozenset[Right]
    reach: Reach


_READ, _WRITE, _ADMIN = frozenset({Right.READ}), frozenset({Right.WRITE}), frozenset({Right.ADMIN})
OPEN_TO_ALL = Need(NO_RIGHTS, Reach.NOTHING)
READS_A_RUN = Need(_READ, Reach.RUNS)
READS_RUNS = Need(_READ, Reach.LIST)
READS_ABOUT = Need(_READ, Reach.NOTHING)

DECLARED: tuple[tuple[str, str, Need], ...] = (
    ("POST", "/api/v1/batches", Need(_WRITE, Reach.BODY)),
    ("GET", "/api/v1/runs", READS_RUNS),
    ("GET", "/api/v1/runs/{run}", Need(_READ | _WRITE, Reach.RUNS)),  # a job asks whether the run it resumes is there
    ("GET", "/api/v1/runs/{run}/verdict", READS_A_RUN),
    ("GET", "/api/v1/runs/{run}/events", READS_A_RUN),
    ("GET", "/api/v1/runs/{run}/histograms", READS_A_RUN),
    ("GET", "/api/v1/runs/{run}/metrics", READS_A_RUN),
    ("GET", "/api/v1/runs/{run}/ranks", READS_A_RUN),
    ("GET", "/api/v1/runs/{run}/series", READS_A_RUN),
    ("GET", "/api/v1/runs/{run}/sketches", READS_A_RUN),
    ("GET", "/api/v1/runs/{run}/slices", READS_A_RUN),
    ("GET", "/api/v1/runs/{run}/spectra", READS_A_RUN),
    ("GET", "/api/v1/runs/{run}/export", READS_A_RUN),
    ("DELETE", "/api/v1/runs/{run}", Need(_ADMIN, Reach.RUNS)),  # there is no way back
    ("PUT", "/api/v1/runs/{run}/archive", Need(_WRITE, Reach.RUNS)),
    ("DELETE", "/api/v1/runs/{run}/archive", Need(_WRITE, Reach.RUNS)),
    ("GET", "/api/v1/retention", Need(_READ, Reach.SERVICE)),
    ("PUT", "/api/v1/retention", Need(_ADMIN, Reach.PROJECT)),
    ("DELETE", "/api/v1/retention", Need(_ADMIN, Reach.PROJECT)),
    ("POST", "/api/v1/runs/{run}/slices", Need(_WRITE, Reach.RUNS)),
    ("DELETE", "/api/v1/runs/{run}/slices/{slice_id}", Need(_WRITE, Reach.RUNS)),
    ("POST", "/api/v1/runs/{run}/shares", Need(_WRITE, Reach.RUNS)),
    ("GET", "/api/v1/runs/{run}/shares", Need(_WRITE, Reach.RUNS)),
    ("DELETE", "/api/v1/runs/{run}/shares/{share_id}", Need(_WRITE, Reach.RUNS)),
    ("GET", "/shared/{token}", OPEN_TO_ALL),
    ("GET", "/api/v1/series", READS_A_RUN),
    ("GET", "/api/v1/alerts", READS_RUNS),
    ("GET", "/api/v1/live", READS_RUNS),
    ("GET", "/api/v1/catalogue", READS_ABOUT),
    ("GET", "/api/v1/audit", Need(_ADMIN, Reach.SERVICE)),
    ("GET", "/api/v1/me", Need(_READ | _WRITE, Reach.NOTHING)),
    ("GET", "/login", OPEN_TO_ALL),
    ("POST", "/login", OPEN_TO_ALL),
    ("GET", "/login/provider", OPEN_TO_ALL),
    ("GET", "/login/provider/back", OPEN_TO_ALL),
    ("POST", "/logout", OPEN_TO_ALL),
    ("GET", "/healthz", OPEN_TO_ALL),
    ("GET", "/readyz", OPEN_TO_ALL),
    ("GET", "/metrics", Need(_READ, Reach.SERVICE)),
    ("GET", "/docs", OPEN_TO_ALL),
    ("GET", "/openapi.json", OPEN_TO_ALL),
    # The page: its code is everybody's. What it shows it asks of the routes above, as whoever looks at it.
    ("GET", "/assets/{path:path}", OPEN_TO_ALL),
    ("GET", "/_favicon.ico", OPEN_TO_ALL),
    ("GET", "/_dash-component-suites/{package_name}/{fingerprinted_path:path}", OPEN_TO_ALL),
    ("GET", "/_dash-layout", READS_ABOUT),
    ("GET", "/_dash-dependencies", READS_ABOUT),
    ("GET", "/_reload-hash", READS_ABOUT),
    ("POST", "/_dash-update-component", READS_ABOUT),
    (SOCKET, "/_dash-ws-callback", READS_ABOUT),
    ("GET", "/", READS_ABOUT),
    ("GET", "/runs/{run}", READS_ABOUT),
    ("GET", "/compare", READS_ABOUT),
    ("GET", "/alerts", READS_ABOUT),
)
_COMPILED = tuple((method, compile_path(template)[0], template, need) for method, template, need in DECLARED)


@dataclass(frozen=True, slots=True)
class Found:
    """The row that fits a request, and what stands in the places of its path."""

    template: str
    need: Need
    places: Mapping[str, str]


def need_of(method: str, path: str) -> Found | None:
    """Give what a request needs; None where nothing is declared for it.

    Example:
        >>> need_of("GET", "/api/v1/runs/calm-otter-41/series").places
        {'run': 'calm-otter-41'}
    """
    method = "GET" if method == "HEAD" else method
    for declared, pattern, template, need in _COMPILED:
        match = pattern.match(path) if declared == method else None
        if match is not None:
            return Found(template, need, match.groupdict())
    return None
