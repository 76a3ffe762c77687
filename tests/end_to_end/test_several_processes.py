"""A service of several processes: nothing is lost and nothing comes twice, whoever is killed."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import urllib3
from psycopg.sql import SQL, Identifier

from ergoscope_contract.codec import encode
from ergoscope_server.alerts.rules import NO_DATA, NONFINITE
from ergoscope_server.history.silence import LEAST_S
from tests.backend.servers import OwnRedis, own_redis
from tests.backend.store.batches import batch, line
from tests.backend.store.conftest import SERVER, postgres_url
from tests.end_to_end.fleet import Fleet, Sender, until

__all__ = ["own_redis", "postgres_url"]  # fixtures

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


@pytest.fixture
def fleet(tmp_path: Path, postgres_url: str, own_redis: OwnRedis) -> Iterator[Fleet]:
    """An empty service: two processes take batches, two work."""
    name = f"ergoscope_fleet_{os.getpid()}"
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
        connection.execute(SQL("create database {}").format(Identifier(name)))
        running = Fleet(tmp_path, f"{SERVER}/{name}", own_redis)
        try:
            yield running
        finally:
            running.close()
            connection.execute(SQL("drop database {} with (force)").format(Identifier(name)))


def _load(fleet: Fleet, runs: int) -> list[Sender]:
    senders = [Sender(fleet, f"run{i}", broken_from=500 if i % 2 else None) for i in range(runs)]
    for sender in senders:
        sender.start()
    return senders


def _settled(fleet: Fleet, senders: list[Sender]) -> None:
    """Everything is folded and judged; of each broken run one alert fired, and was told at most once."""
    for sender in senders:
        sender.stop()
    silent_from = time.time() + LEAST_S
    until(lambda: fleet.store.unfolded() == [], what="the fold of everything")
    for sender in senders:
        sender.check(fleet.store)
    for i, sender in enumerate(senders):
        run = f"run{i}"

        def judged(run: str = run, sender: Sender = sender) -> bool:
            found = fleet.store.verdict(run)
            return found is not None and found.verdict.step >= (sender.batches - 1) * 10 - 250

        until(judged, what=f"the verdict on {run}")
        fired = [alert for alert in fleet.store.alerts(run=run) if alert.rule != NO_DATA or alert.started < silent_from]
        assert [alert.rule for alert in fired].count(NONFINITE) == i % 2
        assert NO_DATA not in {alert.rule for alert in fired}, "the faults are the service's, not the job's"
    assert len(set(fleet.webhook.told)) == len(fleet.webhook.told)


def test_a_batch_that_two_processes_get_at_once_is_stored_once(fleet: Fleet) -> None:
    fleet.serve()
    fleet.serve()
    bodies = [encode(batch(seq, {"x": line(seq, 1)})) for seq in range(50)]

    def send(url: str, body: bytes) -> bool:
        answer = urllib3.request("POST", f"{url}/api/v1/batches", body=body, retries=False)
        assert answer.status == 200
        return bool(answer.json().get("duplicate"))

    with ThreadPoolExecutor(8) as pool:
        for body in bodies:
            again = list(pool.map(lambda url, body=body: send(url, body), 4 * fleet.urls))
            assert sorted(again) == [False] + 7 * [True]

    assert fleet.store.cursor("r") == len(bodies)
    assert fleet.store.tail("r", "x", 100)[0].tolist() == list(range(len(bodies)))


def test_redis_emptied_cut_off_and_started_again_under_load(fleet: Fleet) -> None:
    fleet.serve()
    fleet.serve()
    fleet.work()
    fleet.work()
    senders = _load(fleet, 6)
    until(lambda: all(sender.batches > 30 for sender in senders), what="the load")

    fleet.redis.client.flushall()
    until(lambda: all(sender.batches > 90 for sender in senders), what="batches after Redis was emptied")
    fleet.redis.hang_up()
    until(lambda: all(sender.batches > 150 for sender in senders), what="batches after connections were cut")
    fleet.redis.stop()
    until(lambda: all(sender.batches > 250 for sender in senders), what="batches without Redis")
    fleet.redis.start()
    until(lambda: all(sender.batches > 300 for sender in senders), what="batches after Redis came back")

    _settled(fleet, senders)


def test_postgres_away_and_back_under_load(fleet: Fleet) -> None:
    fleet.serve()
    fleet.serve()
    fleet.work()
    senders = _load(fleet, 4)
    until(lambda: all(sender.batches > 30 for sender in senders), what="the load")

    with _postgres_away(str(fleet.store.database.url.database)):
        until(lambda: _not_ready(fleet) == len(fleet.urls), what="processes that say that they cannot work")
        tried = [sender.tries for sender in senders]
        until(lambda: all(s.tries > before + 5 for s, before in zip(senders, tried, strict=True)), what="refusals")
    sent = [sender.batches for sender in senders]
    until(lambda: all(s.batches > n + 60 for s, n in zip(senders, sent, strict=True)), what="batches afterwards")

    _settled(fleet, senders)


@contextmanager
def _postgres_away(name: str) -> Iterator[None]:
    """Let nobody in, and end every connection there is, as when the server is stopped."""
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
        allow = SQL("alter database {} with allow_connections {}")
        connection.execute(allow.format(Identifier(name), SQL("false")))
        try:
            connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])
            yield
        finally:
            connection.execute(allow.format(Identifier(name), SQL("true")))


def _not_ready(fleet: Fleet) -> int:
    return sum(urllib3.request("GET", f"{url}/readyz", retries=False).status == 503 for url in fleet.urls)


def test_what_one_process_takes_a_reader_of_another_sees(fleet: Fleet) -> None:
    fleet.serve()
    fleet.serve()
    first, second = fleet.urls
    urllib3.request("POST", f"{first}/api/v1/batches", body=encode(batch(0, {"x": line(0, 1)})))
    stream = urllib3.request(
        "GET", f"{second}/api/v1/live?run=r&metrics=x&since=r:0", preload_content=False, timeout=20.0
    )
    lines = (one.decode() for one in stream)

    assert next(one for one in lines if '"steps":[0]' in one)

    urllib3.request("POST", f"{first}/api/v1/batches", body=encode(batch(1, {"x": line(1, 1)})))

    assert next(one for one in lines if '"steps":[1]' in one)
    stream.close()


def test_a_worker_and_a_server_killed_under_load(fleet: Fleet) -> None:
    served = fleet.serve()
    fleet.serve()
    workers = [fleet.work(), fleet.work()]
    senders = _load(fleet, 6)
    until(lambda: all(sender.batches > 60 for sender in senders), what="the load")

    workers[0].kill()
    until(lambda: all(sender.batches > 120 for sender in senders), what="batches beside one worker")
    served.kill()
    until(lambda: all(sender.batches > 200 for sender in senders), what="batches to one server")
    workers[1].kill()
    fleet.work()

    _settled(fleet, senders)


def test_processes_that_share_a_port_are_started_again_when_they_die(fleet: Fleet) -> None:
    parent = fleet.serve("--workers", "2")
    children = _children(parent.pid)
    assert len(children) == 2

    os.kill(children[0], 9)

    until(lambda: len(set(_children(parent.pid)) - set(children)) == 1, what="another process")
    senders = _load(fleet, 2)
    until(lambda: all(sender.batches > 20 for sender in senders), what="the load")
    for sender in senders:
        sender.stop()
        sender.check(fleet.store)
    parent.terminate()
    assert parent.wait(20) == 0
    assert "ended with -9; starting another" in fleet.said


def _children(pid: int) -> list[int]:
    """The processes that serve, without the one that Python keeps for itself."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    commands = {int(child): Path(f"/proc/{child}/cmdline").read_text() for child in found}
    return [child for child, command in commands.items() if "spawn_main" in command]
