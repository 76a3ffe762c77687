"""Several workers on one Redis: each run is one worker's, and what one leaves another takes."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from redis import Redis

from ergoscope_server.work import leases, shared
from ergoscope_server.work.announced import Announced
from ergoscope_server.work.announcer import Announcer
from ergoscope_server.work.names import GROUP, SHARDS, in_one_slot, lease, shard_of, stream
from ergoscope_server.work.shared import SharedRounds
from tests.backend.bus.conftest import until
from tests.backend.servers import OwnRedis, own_redis, prefix, redis_url

__all__ = ["own_redis", "prefix", "redis_url"]  # fixtures

pytestmark = pytest.mark.redis

RUNS = [f"run{i}" for i in range(200)]
ONE = Announced(1, 10)
PREFIX = "{ours}"


@dataclass
class Hand:
    """A worker that only listens."""

    heard: dict[str, int] = field(default_factory=dict)
    taken: int = 0
    rounds: SharedRounds = field(init=False)

    def hear(self, run: str, announced: Announced) -> None:
        self.heard[run] = self.heard.get(run, 0) + announced.rows

    def take(self) -> None:
        self.taken += 1

    @property
    def mine(self) -> set[str]:
        return {run for run in RUNS if self.rounds.mine(run)}


Hire = Callable[[], Hand]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LEASE_S", 3)
    monkeypatch.setattr(shared, "LEASE_S", 3)
    monkeypatch.setattr(shared, "KEEP_S", 0.1)
    monkeypatch.setattr(shared, "WAIT_MS", 20)
    monkeypatch.setattr(shared, "AGAIN_S", 0.05)


def _hiring(url: str, prefix: str) -> Iterator[Hire]:
    hands: list[Hand] = []

    def hire() -> Hand:
        hand = Hand()
        hand.rounds = SharedRounds(url, heard=hand.hear, taken=hand.take, prefix=prefix)
        hand.rounds.start()
        hands.append(hand)
        return hand

    yield hire
    for hand in hands:
        hand.rounds.close()


@pytest.fixture
def hire(redis_url: str, prefix: str) -> Iterator[Hire]:
    yield from _hiring(redis_url, prefix)


@pytest.fixture
def announcer(redis_url: str, prefix: str) -> Iterator[Announcer]:
    made = Announcer(redis_url, prefix=prefix)
    yield made
    made.close()


def _pending(url: str, prefix: str) -> int:
    with Redis.from_url(url) as client:
        return sum(client.xpending(stream(prefix, shard), GROUP)["pending"] for shard in range(SHARDS))


def _share(*hands: Hand) -> bool:
    """Whether each run is one worker's, and each has a fair part."""
    parts = [hand.mine for hand in hands]
    whole = set.union(*parts) == set(RUNS) and sum(map(len, parts)) == len(RUNS)
    return whole and min(map(len, parts)) > len(RUNS) / len(hands) / 2


def test_every_run_is_one_workers_and_they_share_evenly(hire: Hire) -> None:
    first = hire()
    until(lambda: _share(first))

    second, third = hire(), hire()

    until(lambda: _share(first, second, third))
    until(lambda: second.taken)


def test_what_is_announced_reaches_the_worker_whose_run_it_is_and_is_done_when_it_was_folded(
    hire: Hire, announcer: Announcer, redis_url: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (leases, shared):  # no busy machine may make a run change hands in here
        monkeypatch.setattr(module, "LEASE_S", 60)
    hands = [hire(), hire()]
    until(lambda: _share(*hands))

    for run in RUNS:
        announcer.announce(run, ONE)
        announcer.announce(run, ONE)

    until(lambda: all(sum(hand.heard.get(run, 0) for hand in hands) == 2 for run in RUNS))
    assert _pending(redis_url, prefix) > 0
    for hand in hands:
        assert set(hand.heard) == hand.mine
        for run in hand.heard:
            with hand.rounds.folding(run):
                pass
    until(lambda: _pending(redis_url, prefix) == 0)


def test_a_fold_that_failed_leaves_what_was_announced_undone(
    hire: Hire, announcer: Announcer, redis_url: str, prefix: str
) -> None:
    hand = hire()
    until(lambda: _share(hand))
    announcer.announce("run0", ONE)
    until(lambda: hand.heard)

    with pytest.raises(OSError, match="gone"), hand.rounds.folding("run0"):
        raise OSError("gone")
    time.sleep(0.1)

    assert _pending(redis_url, prefix) == 1
    with hand.rounds.folding("run0"):
        pass
    until(lambda: _pending(redis_url, prefix) == 0)


def test_what_a_worker_leaves_undone_goes_to_another(hire: Hire, announcer: Announcer) -> None:
    first = hire()
    until(lambda: _share(first))
    for run in RUNS:
        announcer.announce(run, ONE)
    until(lambda: set(first.heard) == set(RUNS))

    first.rounds.close()  # without having folded anything
    second = hire()

    until(lambda: set(second.heard) == set(RUNS) and second.mine == set(RUNS))


def test_the_leases_of_a_worker_that_died_end(hire: Hire, redis_url: str, prefix: str) -> None:
    with Redis.from_url(redis_url) as client:
        for shard in range(SHARDS):
            client.set(lease(prefix, shard), "worker-dead", ex=1)
    hand = hire()

    until(lambda: _share(hand))

    until(lambda: hand.taken)


def test_what_is_not_understood_is_passed_over(
    hire: Hire, announcer: Announcer, redis_url: str, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    hand = hire()
    until(lambda: _share(hand))

    with Redis.from_url(redis_url) as client:
        client.xadd(stream(prefix, shard_of("a")), {"run": "a", "rows": "many"})
    announcer.announce("a", ONE)

    until(lambda: hand.heard.get("a"))
    assert "an announcement is not understood" in caplog.text


def test_entries_beyond_the_newest_thousands_are_forgotten(
    announcer: Announcer, redis_url: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ergoscope_server.work.announcer.MOST_ENTRIES", 100)
    name = stream(prefix, shard_of("a"))
    with Redis.from_url(redis_url) as client:
        for _ in range(500):
            client.xadd(name, {"run": "a", "rows": 1, "size": 1})

        announcer.announce("a", ONE)

        until(lambda: client.xlen(name) <= 201)  # Redis trims by whole blocks of a hundred


@pytest.fixture
def hire_apart(own_redis: OwnRedis) -> Iterator[Hire]:
    """Workers on a Redis that can be stopped."""
    yield from _hiring(own_redis.url, PREFIX)


def test_after_redis_was_emptied_the_work_goes_on(own_redis: OwnRedis, hire_apart: Hire) -> None:
    hands, announcer = [hire_apart(), hire_apart()], Announcer(own_redis.url, prefix=PREFIX)
    until(lambda: _share(*hands))

    own_redis.client.flushall()
    for run in RUNS:
        announcer.announce(run, ONE)

    until(lambda: set(hands[0].heard) | set(hands[1].heard) == set(RUNS))
    until(lambda: _share(*hands))
    announcer.close()


def test_without_redis_every_worker_looks_after_all_runs_until_it_is_back(
    own_redis: OwnRedis, hire_apart: Hire, caplog: pytest.LogCaptureFixture
) -> None:
    hands, announcer = [hire_apart(), hire_apart()], Announcer(own_redis.url, prefix=PREFIX)
    until(lambda: _share(*hands))

    own_redis.stop()
    announcer.announce("run0", ONE)

    until(lambda: hands[0].mine == hands[1].mine == set(RUNS))
    own_redis.start()
    until(lambda: _share(*hands))
    until(lambda: "run0" in hands[0].heard or "run0" in hands[1].heard)
    announcer.close()
    assert "Redis is away; the log itself says what is to be done" in caplog.text
    assert "ergoscope-announcer waits: Redis takes no announcements" in caplog.text


def test_a_worker_whose_connections_are_cut_goes_on(own_redis: OwnRedis, hire_apart: Hire) -> None:
    hand, announcer = hire_apart(), Announcer(own_redis.url, prefix=PREFIX)
    until(lambda: _share(hand))

    own_redis.hang_up()
    announcer.announce("run0", ONE)

    until(lambda: hand.heard.get("run0"))
    announcer.close()


def test_two_services_on_one_redis_share_nothing(own_redis: OwnRedis) -> None:
    ours, theirs = _hiring(own_redis.url, in_one_slot("ours")), _hiring(own_redis.url, in_one_slot("theirs"))
    one, other = next(ours)(), next(theirs)()
    announcer = Announcer(own_redis.url, prefix=in_one_slot("ours"))
    until(lambda: one.mine == other.mine == set(RUNS))

    for run in RUNS:
        announcer.announce(run, ONE)

    until(lambda: set(one.heard) == set(RUNS))
    assert other.heard == {}
    announcer.close()
    for hiring in (ours, theirs):
        next(hiring, None)
