"""What the list has of each run's series, asked for again only where a run has gone on."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from ergoscope_contract.answers import RunSummary
from ergoscope_ui.client import Client
from ergoscope_ui.figures.sparkline import mask
from ergoscope_ui.pages.stepped import TIMES, newest

_BUCKETS = 60
_KEPT = 5_000  # of 1 kB


@dataclass(frozen=True, slots=True)
class Glance:
    """A run up to a cursor.

    drawing: its loss, empty where there is none yet. stepped: when its newest step was made, Unix seconds by the job's
    clock.
    """

    cursor: int
    drawing: str
    stepped: float | None


_NEVER = Glance(-1, "", None)


class Glances:
    """Of runs that somebody has looked at.

    Whoever asks has been given the runs by the service, so they may see their series too.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._kept: OrderedDict[str, Glance] = OrderedDict()

    async def of(self, runs: Sequence[RunSummary]) -> dict[str, Glance]:
        """Give one of each run.

        Raises:
            UiError: the service does not tell.
        """
        seen = {run.id: self._kept.get(run.id, _NEVER) for run in runs}
        changed = [run for run in runs if seen[run.id].cursor != run.cursor]
        found = await self._client.many([run.id for run in changed], ["loss", TIMES], buckets=_BUCKETS)
        for run in changed:
            curves = found.get(run.id, {})
            seen[run.id] = Glance(run.cursor, mask(curves.get("loss")), newest(curves))
        for name, one in seen.items():
            self._kept[name] = one
            self._kept.move_to_end(name)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return seen
