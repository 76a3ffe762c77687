"""A stop answers what was begun, and loses nothing that was acknowledged."""

import signal
import socket
from threading import Thread

import urllib3

from tests.end_to_end.conftest import HOST, Service, until
from tests.end_to_end.wire import POINTS, SlowPost, body, steps


class Load(Thread):
    """Sends the batches of one run, each once it has the answer to the one before, until nobody answers."""

    def __init__(self, url: str, run: str) -> None:
        super().__init__()
        self._url, self.of = url, run
        self.acknowledged = 0

    def run(self) -> None:
        with urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(20.0)) as pool:
            try:
                while True:
                    content = body(self.acknowledged, run=self.of)
                    answer = pool.request("POST", f"{self._url}/api/v1/batches", body=content)
                    if answer.status != 200:
                        assert answer.status == 503, answer.data
                        return
                    self.acknowledged += 1
            except urllib3.exceptions.HTTPError:
                return


def _refuses(service: Service) -> bool:
    try:
        socket.create_connection((HOST, service.port), timeout=5).close()
    except OSError:
        return True
    return False


def test_a_stop_under_load_keeps_all_that_was_acknowledged_and_nothing_twice(service: Service) -> None:
    senders = [Load(service.url, f"run{i}") for i in range(6)]
    for sender in senders:
        sender.start()
    until(lambda: all(sender.acknowledged > 30 for sender in senders), what="the load")

    service.process.send_signal(signal.SIGTERM)
    code = service.process.wait(timeout=20)
    for sender in senders:
        sender.join(30)
        assert not sender.is_alive()
    service.start()

    assert code == 0
    for sender in senders:
        found = steps(service.url, run=sender.of)
        stored, rest = divmod(len(found), POINTS)
        assert found == list(range(len(found))), "nothing twice, and nothing left out"
        assert rest == 0
        assert sender.acknowledged <= stored <= sender.acknowledged + 1, "only the last may have missed its answer"
    assert "Traceback" not in (service.folder / "server.log").read_text()


def test_a_batch_whose_body_was_on_its_way_is_taken_and_answered(service: Service) -> None:
    with SlowPost(service.url, body(0)) as post:
        post.send(40)
        service.process.send_signal(signal.SIGTERM)
        until(lambda: _refuses(service), what="the end of listening")

        answer = post.finish()
        assert post.ended

    assert answer.startswith(b"HTTP/1.1 200"), answer
    assert service.process.wait(timeout=20) == 0
    service.start()
    assert steps(service.url) == list(range(POINTS))
