"""Connections to Redis: an operation fails soon and is not repeated behind our back, as whoever asks has a way on."""

from typing import cast

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError
from redis.retry import Retry

from ergoscope_server.bus.cluster import LateCluster

CONNECT_S = 2.0
ANSWER_S = 5.0
CHECK_S = 10.0  # idle seconds after which a connection is tried before it is used
CLUSTER = "+cluster://"  # in the place of :// of an address that is a node's
FAILURES = (RedisError, RedisClusterException)  # that Redis does not answer as it should


def connect(url: str) -> Redis:
    """Give a client; nothing is opened yet.

    Raises:
        ValueError: the URL is none of Redis.
    """
    options: dict[str, object] = {
        "socket_connect_timeout": CONNECT_S,
        "socket_timeout": ANSWER_S,
        "health_check_interval": int(CHECK_S),
    }
    if CLUSTER in url:
        return cast("Redis", LateCluster(url.replace(CLUSTER, "://", 1), options))
    return Redis.from_url(url, retry=Retry(NoBackoff(), 0), **options)
