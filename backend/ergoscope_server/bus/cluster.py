"""A client of a Redis Cluster that looks for its nodes at the first call, since Redis need not be there yet.

All keys lie in one slot (see work/names.py), so a cluster is worth its failover here, and no more memory or speed.
"""

from collections.abc import Mapping
from threading import Lock

from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.cluster import RedisCluster
from redis.retry import Retry


class LateCluster:
    """Has all methods of a `RedisCluster`; any may raise what that raises when no node answers."""

    def __init__(self, url: str, options: Mapping[str, object]) -> None:
        self._url, self._options = url, options
        self._lock = Lock()
        self._found: RedisCluster | None = None

    def __getattr__(self, name: str) -> object:
        """Give a method of the client."""
        return getattr(self._client(), name)

    def pubsub(self) -> PubSub:
        """Listen, to a node that is there now: the one before may have been lost."""
        client = self._client()
        client.nodes_manager.initialize()
        ear: PubSub = client.pubsub()  # type: ignore[no-untyped-call]  # the library has no types here
        return ear

    def close(self) -> None:
        """Close the connections there are."""
        if self._found is not None:
            self._found.close()

    def _client(self) -> RedisCluster:
        with self._lock:
            if self._found is None:
                # Once more, since a slot may have moved to another node.
                self._found = RedisCluster.from_url(self._url, retry=Retry(NoBackoff(), 1), **self._options)
            return self._found
