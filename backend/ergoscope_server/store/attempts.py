"""Which attempt of a run speaks for which steps: a newer one from its first step on."""

from collections.abc import Mapping

from ergoscope_server.store.points import HIGHEST


def reaches(first_steps: Mapping[int, int]) -> dict[int, int]:
    """Give the last step that each attempt still speaks for.

    Args:
        first_steps: First step of each attempt, of one metric on one rank.

    Example:
        >>> reaches({1: 0, 2: 500}) == {1: 499, 2: HIGHEST}
        True
    """
    limits: dict[int, int] = {}
    limit = HIGHEST
    for attempt in sorted(first_steps, reverse=True):
        limits[attempt] = limit
        limit = min(limit, first_steps[attempt] - 1)
    return limits
