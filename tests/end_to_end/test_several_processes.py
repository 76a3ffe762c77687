"""A service of several processes: nothing is lost and nothing comes twice, whoever is killed."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import urllib3
from sqlalchemy import text

from ergoscope_contract.codec import encode
from ergoscope_server.alerts.rules import NO_DATA, NONFINITE
from ergoscope_server.history.silence import LEAST_S
from ergoscope_server.work.due import ROWS
from tests.backend.postgres import SHUTDOWNS, OwnPostgres, new_database, own_postgres
from tests.backend.servers import OwnRedis, own_redis
from tests.backend.store.batches import batch, line
from tests.end_to_end.fleet import Fleet, Sender, until

__all__ = ["own_postgres", "own_redis"]  # fixtures

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


@pytest.fixture
def fleet(tmp_path: Path, own_redis: OwnRedis) -> Iterator[Fleet]:
    """An empty service: two processes take batches, two work."""
    with new_database() as url, closing(Fleet(tmp_path, url, own_redis)) as running:
        yield running


def _load(fleet: Fleet, runs: int) -> list[Sender]:
    senders = [Sender(fleet, f"run{i}", broken_from=500 if i % 2 else None) for i in range(runs)]
    for sender in senders:
        sender.start()
    return senders


def _settled(fleet: Fleet, senders: list[Sender]) -> None:
    """What was due is folded, all is judged; of each broken run one alert fired, and was told at most once."""
    for sender in senders:
        sender.stop()
    silent_from = time.time() + LEAST_S
    until(lambda: _unfolded(fleet) < ROWS, what="the fold of what was due")
    for number, sender in enumerate(senders):
        sender.check(fleet.store)
        fleet.store.fold(f"run{number}")  # which would come by itself when nothing new has for a while
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


def _unfolded(fleet: Fleet) -> int:
    """Of the run with the most of them, give how many batches are not folded."""
    asked = text("SELECT max(cursor - coalesce(upto, 0)) FROM run LEFT JOIN folding ON run = id")
    with fleet.store.database.read() as connection:
        return int(connection.execute(asked).scalar_one())


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


def test_postgres_stopped_and_started_under_load(
    tmp_path: Path, own_postgres: OwnPostgres, own_redis: OwnRedis
) -> None:
    with closing(Fleet(tmp_path, f"{own_postgres.url}/postgres", own_redis)) as fleet:
        fleet.serve()
        fleet.serve()
        fleet.work()
        senders = _load(fleet, 4)
        until(lambda: all(sender.batches > 30 for sender in senders), what="the load")

        for how in SHUTDOWNS:
            own_postgres.stop(how)
            until(lambda: _not_ready(fleet) == len(fleet.urls), what="processes that say that they cannot work")
            _wait_for_more(senders, lambda sender: sender.tries, 5, what="refusals")
            own_postgres.start()
            until(lambda: _not_ready(fleet) == 0, what="processes that work again by themselves")
            _wait_for_more(senders, lambda sender: sender.batches, 60, what="batches afterwards")

        _settled(fleet, senders)
    assert own_postgres.said.count("automatic recovery in progress") == 1, "one of the stops was a crash"


def _wait_for_more(senders: list[Sender], count: Callable[[Sender], int], more: int, *, what: str) -> None:
    wanted = [count(sender) + more for sender in senders]
    until(lambda: all(count(sender) > least for sender, least in zip(senders, wanted, strict=True)), what=what)


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
