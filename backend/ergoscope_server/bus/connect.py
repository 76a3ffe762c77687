"""Connections to Redis: an operation fails soon and is not repeated behind our back, as whoever asks has a way on."""

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

CONNECT_S = 2.0
ANSWER_S = 5.0
CHECK_S = 10.0  # idle seconds after which a connection is tried before it is used


def connect(url: str) -> Redis:
    """Give a client; nothing is opened yet.

    Raises:
        ValueError: the URL is none of Redis.
    """
    return Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_S,
        socket_timeout=ANSWER_S,
        health_check_interval=int(CHECK_S),
        retry=Retry(NoBackoff(), 0),
    )
