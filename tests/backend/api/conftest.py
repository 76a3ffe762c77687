"""A real service on a free port, in a thread of the tests."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import httpx
import pytest

from ergoscope_contract.answers import Receipt
from ergoscope_contract.codec import encode
from ergoscope_contract.records import Batch
from ergoscope_server.api.service import Service
from ergoscope_server.app import create_app
from ergoscope_server.serving import Server, listen
from ergoscope_server.settings import Settings
from ergoscope_server.store.store import Store
from tests.backend.places import placed


@dataclass(frozen=True)
class Running:
    """A service that runs, and a client of it."""

    url: str
    server: Server
    service: Service
    client: httpx.Client
    thread: Thread

    def post(self, batch: Batch) -> Receipt:
        """Send a batch that must be taken whole."""
        answer = self.client.post("/api/v1/batches", content=encode(batch))
        assert answer.status_code == 200, answer.text
        return Receipt(**answer.json())


def wait_for(true: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until something holds that the service does in its own time."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"it did not come within {seconds} s"
        time.sleep(0.02)


@contextmanager
def serving(settings: Settings) -> Iterator[Running]:
    """Run a service; one without a database of its own lies where the tests run."""
    ready = Event()
    with placed(settings) as where, listen("127.0.0.1", 0) as listening:
        app = create_app(where, Store(where.store_url, most_runs=where.project_runs))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = Server(app, ready=ready.set)
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        assert ready.wait(20)
        try:
            with httpx.Client(base_url=url, timeout=20) as client:
                yield Running(url, server, app.state.service, client, thread)
        finally:
            server.stop()
            thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A service with everything at its default."""
    with serving(Settings(data_dir=tmp_path, page=False)) as service:
        yield service
