"""Answers that are known already, and answers that are packed."""

import json

import pytest
import zstandard
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from ergoscope_server.api.delivery import LEAST, Delivery

LONG = {"values": list(range(LEAST))}


def _answer(request: Request) -> Response:
    match request.path_params["kind"]:
        case "long":
            return JSONResponse(LONG)
        case "short":
            return JSONResponse({"a": 1})
        case "unkept":
            return JSONResponse({"a": 1}, headers={"Cache-Control": "no-store"})
        case "missing":
            return JSONResponse({"error": "Unknown"}, status_code=404)
        case "stream":
            return StreamingResponse(iter([b"[1,", b"2]"]), media_type="application/json")
        case _:
            return PlainTextResponse("x" * 2 * LEAST)


@pytest.fixture
def client() -> TestClient:
    middleware = [Middleware(GZipMiddleware, minimum_size=LEAST), Middleware(Delivery)]
    return TestClient(Starlette(routes=[Route("/{kind}", _answer, methods=["GET", "POST"])], middleware=middleware))


def test_what_somebody_has_already_is_not_sent_again(client: TestClient) -> None:
    first = client.get("/long")
    tag = first.headers["etag"]

    again = client.get("/long", headers={"If-None-Match": f'"other", {tag}'})
    other = client.get("/short", headers={"If-None-Match": tag})

    assert first.json() == LONG
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert "content-length" not in again.headers
    assert (other.status_code, other.json()) == (200, {"a": 1})
    assert other.headers["etag"] != tag


def test_an_answer_is_packed_by_what_the_asker_takes(client: TestClient) -> None:
    def packed(encoding: str) -> Response:
        with client.stream("GET", "/long", headers={"Accept-Encoding": encoding}) as answer:
            raw = b"".join(answer.iter_raw())
        return Response(raw, headers=dict(answer.headers))

    zstd, gzip, plain = packed("gzip, zstd"), packed("gzip, zstd;q=0"), packed("identity")

    assert zstd.headers["content-encoding"] == "zstd"
    assert zstd.headers["vary"] == "Accept-Encoding"
    assert json.loads(zstandard.decompress(zstd.body)) == LONG
    assert int(zstd.headers["content-length"]) == len(zstd.body) < len(plain.body) / 2
    assert gzip.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert zstd.headers["etag"] == gzip.headers["etag"] == plain.headers["etag"]


def test_a_short_answer_is_not_packed(client: TestClient) -> None:
    assert "content-encoding" not in client.get("/short", headers={"Accept-Encoding": "zstd"}).headers


@pytest.mark.parametrize("kind", ["unkept", "missing", "stream", "text"])
def test_what_is_not_to_be_kept_or_no_json_of_one_piece_has_no_tag(client: TestClient, kind: str) -> None:
    answer = client.get(f"/{kind}", headers={"Accept-Encoding": "zstd"})

    assert "etag" not in answer.headers
    assert answer.headers.get("content-encoding") != "zstd"
    if kind == "stream":
        assert answer.json() == [1, 2]


def test_an_answer_to_a_change_is_packed_and_has_no_tag(client: TestClient) -> None:
    answer = client.post("/long", headers={"Accept-Encoding": "zstd"})

    assert answer.headers["content-encoding"] == "zstd"
    assert "etag" not in answer.headers
