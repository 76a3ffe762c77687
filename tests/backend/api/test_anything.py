"""Whatever is asked in whatever form is answered, and never with an error of the service's own."""

from collections.abc import Iterator
from typing import cast
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ergoscope_server.app import create_app
from ergoscope_server.settings import Settings
from tests.backend.api.roles import Guarded, guarding

Operation = dict[str, object]
PATHS = cast("dict[str, dict[str, Operation]]", create_app(Settings(page=False)).openapi()["paths"])
ROUTES = [
    (method.upper(), path, tuple(str(p["name"]) for p in cast("list[Operation]", one.get("parameters", []))))
    for path, operations in PATHS.items()
    for method, one in operations.items()
]
WORDS = st.one_of(
    st.sampled_from(["r", "", "*", "-1", "0", "1e999", "NaN", "true", "18446744073709551616", "loss/*", "../r", "%"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.integers().map(str),
)
BODIES = st.one_of(
    st.sampled_from(
        [b"", b"{}", b"[]", b"null", b'{"days": 1}', b'{"days": 1e999}', b'{"axes": 3}', b'{"points": -1}']
    ),
    st.binary(max_size=200),
)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarding(tmp_path_factory.mktemp("anything")) as service:
        yield service


@pytest.mark.parametrize(("method", "path", "names"), ROUTES, ids=str)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_question_breaks_the_service(
    guarded: Guarded, method: str, path: str, names: tuple[str, ...], data: st.DataObject
) -> None:
    asked, parameters = path, []
    for name in names:
        words = data.draw(st.lists(WORDS, max_size=2), label=name)
        if f"{{{name}}}" in asked:
            known = "gone" if (method, path) == ("DELETE", "/api/v1/runs/{run}") else "r"
            asked = asked.replace(f"{{{name}}}", quote(words[0] if words and words[0] else known, safe=""))
        elif name not in ("accept", "last-event-id"):  # headers
            parameters += [f"{name}={quote(word, safe='')}" for word in words]
    target = f"{asked}?{'&'.join(parameters)}" if parameters else asked
    body = data.draw(BODIES, label="body") if method in ("POST", "PUT") else b""

    for role in ("admin", "read here", "nobody"):
        answer = guarded.running.client.request(
            method, target, content=body, headers={**guarded.headers[role], "Accept": "application/json"}
        )
        assert answer.status_code < 500, answer.text
        if role == "nobody" and path not in ("/healthz", "/readyz"):
            assert answer.status_code in (400, 401, 404)


@pytest.mark.parametrize(
    "path",
    [
        "histograms?key=x&rank={}",
        "sketches?key=x&rank={}",
        "spectra?key=x&rank={}",
        "series?rank={}",
        "series?since={}",
        "series?first={}",
        "slices?limit={}",
    ],
)
def test_a_number_that_no_column_holds_is_refused(guarded: Guarded, path: str) -> None:
    for number in (2**63, 2**200):
        answer = guarded.ask("admin", f"/api/v1/runs/r/{path.format(number)}")
        assert answer.status_code == 422, answer.text
