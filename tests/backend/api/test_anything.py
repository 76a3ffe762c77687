"""Whatever is asked in whatever form is answered as the description says, and never with an error of the service's own.

Schemathesis draws the questions from the description: those that it allows, and those that it does not.
"""

from collections.abc import Iterator

import pytest
import requests
import schemathesis
from hypothesis import settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
)

from ergoscope_server.app import create_app
from ergoscope_server.settings import Settings
from tests.backend.api.roles import Guarded, guarding

DESCRIPTION = schemathesis.openapi.from_dict(create_app(Settings(page=False)).openapi())
AS_DESCRIBED = [not_a_server_error, negative_data_rejection, response_schema_conformance, content_type_conformance]
OPEN = ("/healthz", "/readyz")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarding(tmp_path_factory.mktemp("anything")) as service:
        yield service


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """One connection for all questions."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


@DESCRIPTION.parametrize()
@settings(max_examples=4, derandomize=True)
def test_no_question_breaks_the_service(case: schemathesis.Case, guarded: Guarded, session: requests.Session) -> None:
    def ask(role: str) -> schemathesis.Response:
        headers = {**guarded.headers[role], "Accept": "application/json"}  # else a live stream would not end
        return case.call(base_url=guarded.running.url, headers=headers, session=session, timeout=20)

    nobody, reader = ask("nobody"), ask("read here")
    if "run" in case.path_parameters and (case.method, case.path) != ("DELETE", "/api/v1/runs/{run}"):
        case.path_parameters["run"] = "r"  # of which there is something to say
    admin = ask("admin")

    assert nobody.status_code < 500
    assert nobody.status_code in (400, 401, 404) or case.path in OPEN
    assert reader.status_code < 500
    case.validate_response(admin, checks=AS_DESCRIBED)


@pytest.mark.parametrize("body", [b"", b"\xff\x00", b"null", b"[]", b'{"days": 1e999}', b'{"axes": 3}', b"x" * 5000])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "batches"), ("POST", "runs/r/slices"), ("PUT", "retention?project=ours")]
)
def test_a_body_of_anything_is_answered(guarded: Guarded, method: str, path: str, body: bytes) -> None:
    answer = guarded.running.client.request(method, f"/api/v1/{path}", content=body, headers=guarded.headers["admin"])

    assert answer.status_code < 500, answer.text


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
