"""Short ways to ask a store."""

from ergoscope_server.store.series import Query, SeriesData
from ergoscope_server.store.store import Store


def series(store: Store, query: Query, run: str = "r") -> SeriesData:
    """The one series that a query asks for."""
    answer = store.series(run, query)
    assert len(answer.series) == 1
    return answer.series[0]


def points(store: Store, metric: str, run: str = "r") -> list[tuple[float, float]]:
    """All points of a series as (step, value)."""
    read = series(store, Query([metric]), run).points
    return list(zip(read.steps.tolist(), read.values.tolist(), strict=True))
