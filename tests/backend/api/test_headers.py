"""What browsers are told of every answer."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from ergoscope_server.app import create_app
from ergoscope_server.settings import Settings
from tests.backend.api.conftest import Running


@pytest.mark.parametrize("path", ["/api/v1/runs", "/api/v1/runs/nobody", "/docs", "/openapi.json", "/api/nothing"])
def test_an_answer_may_run_nothing_and_be_framed_by_nobody(running: Running, path: str) -> None:
    headers = running.client.get(path).headers

    policy = headers["content-security-policy"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_what_is_refused_before_anything_is_done_has_them_too(running: Running) -> None:
    refused = running.client.get("/api/v1/runs", headers={"Host": "evil.example"})

    assert refused.status_code == 403
    assert "content-security-policy" in refused.headers


def test_the_page_says_itself_what_it_needs(tmp_path: Path) -> None:
    with TestClient(create_app(Settings(data_dir=tmp_path)), base_url="http://127.0.0.1") as client:
        answers = [client.get(path) for path in ("/", "/runs/a", "/login")]
        script = client.get("/assets/early.js")

    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self' 'sha256-" in policy
        assert "'unsafe-eval'" not in policy
        assert "frame-ancestors 'self' http://localhost:* http://127.0.0.1:*" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert script.headers["x-content-type-options"] == "nosniff"
