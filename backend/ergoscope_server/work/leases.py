"""Which shards a worker holds: leases in Redis, spread evenly over the workers that are there.

A lease only saves that two do the same work. Where it fails, both do it, and the database takes the first.
"""

from math import ceil
from typing import cast

from redis import Redis

from ergoscope_server.work.names import SHARDS, lease, present

LEASE_S = 15
KEEP_S = 5.0  # between two renewals


class Leases:
    """The leases of one worker."""

    def __init__(self, client: Redis, name: str, *, prefix: str) -> None:
        self._client = client
        self._name = name
        self._keys = [lease(prefix, shard) for shard in range(SHARDS)]
        self._present = present(prefix)
        self.held: frozenset[int] = frozenset()

    def keep(self) -> frozenset[int]:
        """Renew the leases; give back what is more than a fair share, take what nobody has up to it.

        Returns:
            The shards that were not held before.

        Raises:
            RedisError: Redis does not answer; what was held is as it was.
        """
        alive, owners = self._look()
        fair = ceil(SHARDS / alive)
        mine = [shard for shard, owner in enumerate(owners) if owner == self._name.encode()]
        free = [shard for shard, owner in enumerate(owners) if owner is None]
        with self._client.pipeline(transaction=False) as together:
            for shard in mine[:fair]:
                together.expire(self._keys[shard], LEASE_S)
            for shard in mine[fair:]:
                together.delete(self._keys[shard])
            together.execute()
        taken = self._take(sorted(free, key=lambda shard: shard not in self.held), fair - len(mine))
        before, self.held = self.held, frozenset(mine[:fair]) | taken
        return self.held - before

    def release(self) -> None:
        """Give everything back; RedisError when Redis does not answer, and then it ends by itself."""
        _, owners = self._look()
        mine = [self._keys[shard] for shard, owner in enumerate(owners) if owner == self._name.encode()]
        self._client.zrem(self._present, self._name)
        if mine:
            self._client.delete(*mine)
        self.held = frozenset()

    def _look(self) -> tuple[int, list[bytes | None]]:
        now = self._client.time()[0]
        with self._client.pipeline(transaction=False) as together:
            together.zadd(self._present, {self._name: now})
            together.zremrangebyscore(self._present, "-inf", now - LEASE_S)
            together.zcard(self._present)
            _, _, alive = together.execute()
        owners = cast("list[bytes | None]", self._client.mget(self._keys))  # a cluster takes it with no others at once
        return max(alive, 1), owners

    def _take(self, free: list[int], most: int) -> frozenset[int]:
        taken: set[int] = set()
        for shard in free:
            if len(taken) >= most:
                break
            if self._client.set(self._keys[shard], self._name, nx=True, ex=LEASE_S):
                taken.add(shard)
        return frozenset(taken)
