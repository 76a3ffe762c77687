"""A server that takes batches as it is told to, and remembers them."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import msgspec

from ergoscope_contract.codec import decode
from ergoscope_contract.records import Batch, Ending, Grid
from ergoscope_contract.slices import SliceRequest

STORED = {"stored": True}


@dataclass(frozen=True)
class Answer:
    """What to say to a batch; `hangs` says nothing until the server closes."""

    status: int = 200
    body: object = field(default_factory=lambda: STORED)
    headers: dict[str, str] = field(default_factory=dict)
    hangs: bool = False
    keeps: bool = True


class FakeServer:
    """Answers POST /api/v1/batches by `plan`, and GET by `pages` (path without query -> JSON).

    Posts elsewhere are kept in `asked_for` and answered by `pages` under "POST " and their path, deletions by those
    under "DELETE ", else with 204, and kept in `deleted`; what is put is kept in `puts`, and answered with 204.
    Receipts repeat `requests` until a grid that is not partial answers them.
    """

    def __init__(self, port: int = 0) -> None:
        self.plan: Callable[[int], Answer] = lambda _: Answer()
        self.pages: dict[str, object] = {}
        self.requests: list[SliceRequest] = []
        self.asked: list[str] = []
        self.asked_for: list[object] = []
        self.deleted: list[str] = []
        self.puts: list[tuple[str, object]] = []
        self.authorizations: list[str | None] = []
        self.posts = 0
        self.batches: dict[tuple[str, int, int, int], Batch] = {}
        self.arrivals: list[Batch] = []
        self.closing = threading.Event()
        self._http = _Http(("127.0.0.1", port), _Handler)
        self._http.fake = self
        self.port = self._http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.start()

    def take(self, data: bytes) -> Answer:
        answer = self.plan(self.posts)
        self.posts += 1
        if answer.keeps and answer.status in {200, 422} and not answer.hangs:
            batch = decode(data)
            self.arrivals.append(batch)
            self.batches.setdefault((batch.run, batch.attempt, batch.rank, batch.seq), batch)
            answered = {grid.request for grid in batch.grids if not grid.partial}
            self.requests = [request for request in self.requests if request.id not in answered]
            if answer.body is STORED and self.requests:
                return replace(answer, body={**STORED, "requests": msgspec.to_builtins(self.requests)})
        return answer

    @property
    def grids(self) -> list[Grid]:
        return [grid for batch in self.batches.values() for grid in batch.grids]

    @property
    def endings(self) -> list[Ending]:
        return [b.ended for b in self.batches.values() if b.ended]

    def points(self, key: str, *, run: str | None = None) -> list[tuple[int, float]]:
        """Every (step, value) of a key, in the order of the batches."""
        from ergoscope_contract.columns import unpack

        found: list[tuple[int, float]] = []
        for batch in self.batches.values():
            for column in unpack(batch).columns:
                if column.key == key and run in {None, batch.run}:
                    steps = memoryview(column.steps).cast("q").tolist()
                    values = memoryview(column.values).cast("f" if column.dtype == "f4" else "d").tolist()
                    found += list(zip(steps, values, strict=True))
        return found

    def close(self) -> None:
        if self.closing.is_set():
            return
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    fake: FakeServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def do_POST(self) -> None:  # the name that http.server calls
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.fake.closing.is_set():  # a kept connection outlives the listening
            self.close_connection = True
            return
        self.server.fake.authorizations.append(self.headers["Authorization"])
        if self.path != "/api/v1/batches":
            self.server.fake.asked_for.append(json.loads(data))
            self._answer(f"POST {self.path}", status=201)
            return
        answer = self.server.fake.take(data)
        if answer.hangs:
            self.server.fake.closing.wait(30)
            self.close_connection = True
            return
        self._send(answer.status, answer.body, answer.headers)

    def do_GET(self) -> None:  # the name that http.server calls
        self.server.fake.asked.append(self.path)
        self._answer(unquote(urlsplit(self.path).path), status=200)

    def do_PUT(self) -> None:  # the name that http.server calls
        self.server.fake.puts.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        self._send(204, b"", {})

    def do_DELETE(self) -> None:  # the name that http.server calls
        self.server.fake.deleted.append(self.path)
        if f"DELETE {self.path}" in self.server.fake.pages:
            self._answer(f"DELETE {self.path}", status=200)
        else:
            self._send(204, b"", {})

    def _answer(self, path: str, *, status: int) -> None:
        page = self.server.fake.pages.get(path)
        if isinstance(page, Answer):
            self._send(page.status, page.body, page.headers)
        elif page is not None:
            self._send(status, page, {})
        else:
            self._send(404, {"error": "Unknown", "detail": f"there is nothing at {path}"}, {})

    def _send(self, status: int, body: object, headers: dict[str, str]) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name that http.server passes
        """Say nothing."""
