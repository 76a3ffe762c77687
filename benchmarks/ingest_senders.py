"""Senders of batches: each has a connection of its own and one batch under way at a time, as a sidecar does."""

import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from threading import Thread

Make = Callable[[str, int], bytes]  # the body of a run's batch of that number


class Line:
    """A connection that posts; it reads no more of an answer than it must, as senders share the machine."""

    def __init__(self, port: int, path: str, kind: str, headers: Sequence[str] = ()) -> None:
        """Connect; `kind` is what the bodies are."""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Content-Type: {kind}", *headers]
        self._head = "".join(f"{line}\r\n" for line in lines).encode()

    def post(self, body: bytes) -> bytes:
        """Send a body, wait for the answer, and give what it holds."""
        self._socket.sendall(b"%sContent-Length: %d\r\n\r\n%s" % (self._head, len(body), body))
        got = b""
        while b"\r\n\r\n" not in got:
            got += self._more()
        head, _, content = got.partition(b"\r\n\r\n")
        assert b" 200 " in head[:20], got
        size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        while len(content) < size:
            content += self._more()
        return content

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _more(self) -> bytes:
        got = self._socket.recv(65536)
        assert got, "the service has hung up"
        return got


def load(
    line: Callable[[], Line], make: Make, runs: Sequence[str], *, seconds: float, every_s: float = 0.0
) -> tuple[list[float], float]:
    """Send for so long, from one process; give how long each batch took to be acknowledged, sorted, and the seconds.

    Args:
        line: Connects.
        make: Packs.
        runs: One sender each.
        seconds: How long.
        every_s: Between two batches of a run, which are then sent when they are due; what took longer for coming late
            counts from when it was due. Without it each batch is sent as soon as the one before it is acknowledged.
    """
    here, there = multiprocessing.Pipe()
    began = time.time()
    arguments = (line, make, runs, began + seconds, every_s, there)
    process = multiprocessing.Process(target=_senders, args=arguments, daemon=True)
    process.start()
    taken = sorted(here.recv())
    elapsed = time.time() - began
    process.join()
    return taken, elapsed


@contextmanager
def sending(line: Callable[[], Line], make: Make, runs: Sequence[str], *, every_s: float) -> Iterator[None]:
    """Have runs send a batch each so often, from another process, until left."""
    _, there = multiprocessing.Pipe()
    arguments = (line, make, runs, time.time() + 86_400, every_s, there)
    process = multiprocessing.Process(target=_senders, args=arguments, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


def _senders(
    line: Callable[[], Line], make: Make, runs: Sequence[str], until: float, every_s: float, answer: Connection
) -> None:
    taken: list[list[float]] = [[] for _ in runs]
    began = time.perf_counter()
    until += began - time.time()
    threads = [
        Thread(target=_send, args=(line, make, run, began + every_s * i / len(runs), until, every_s, taken[i]))
        for i, run in enumerate(runs)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answer.send([t for one in taken for t in one])


def _send(
    line: Callable[[], Line], make: Make, run: str, due: float, until: float, every_s: float, taken: list[float]
) -> None:
    connected = line()
    seq = 0
    while time.perf_counter() < until and due < until:
        body = make(run, seq)
        if every_s:
            time.sleep(max(0.0, due - time.perf_counter()))
        began = due if every_s else time.perf_counter()
        connected.post(body)
        taken.append(time.perf_counter() - began)
        due += every_s
        seq += 1
    connected.close()


def quantile(taken: Sequence[float], share: float) -> float:
    """Give a quantile of sorted seconds, in milliseconds."""
    return taken[int(share * (len(taken) - 1))] * 1e3
