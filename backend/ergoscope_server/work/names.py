"""How the workers' keys in Redis are called, and which shard a run belongs to."""

from zlib import crc32

SHARDS = 64  # as many workers at most have something to do
GROUP = "workers"


def in_one_slot(prefix: str) -> str:
    """Give what keys begin with, in braces, so that in a cluster all lie in one slot and can be asked for at once.

    Example:
        >>> in_one_slot("ergoscope")
        '{ergoscope}'
    """
    return f"{{{prefix}}}"


def shard_of(run: str) -> int:
    """Give the shard of a run: the same in every process.

    Example:
        >>> shard_of("fox-7") == shard_of("fox-7"), 0 <= shard_of("any") < SHARDS
        (True, True)
    """
    return crc32(run.encode()) % SHARDS


def stream(prefix: str, shard: int) -> str:
    """Give the stream on which the batches of a shard are announced."""
    return f"{prefix}:work:{shard}"


def lease(prefix: str, shard: int) -> str:
    """Give the key that holds the name of the worker that has a shard, while it lives."""
    return f"{prefix}:lease:{shard}"


def present(prefix: str) -> str:
    """Give the sorted set of workers by when they were heard of."""
    return f"{prefix}:present"
