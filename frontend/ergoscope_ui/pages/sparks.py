"""The loss of each run as a drawing for the list, made anew only for what has changed since."""

from collections import OrderedDict
from collections.abc import Sequence

from ergoscope_contract.answers import RunSummary
from ergoscope_ui.client import Client
from ergoscope_ui.figures.sparkline import mask

_BUCKETS = 60
_KEPT = 5_000  # drawings of 1 kB


class Sparks:
    """Drawings of runs that somebody has looked at, kept by how far each run had come.

    Whoever asks has been given the runs by the service, so they may see their losses too.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._kept: OrderedDict[str, tuple[int, str]] = OrderedDict()  # by run: its cursor, and the drawing

    async def of(self, runs: Sequence[RunSummary]) -> dict[str, str]:
        """Give the drawing of each run, empty where there is none yet.

        Raises:
            UiError: the service does not tell.
        """
        drawn = {run.id: self._kept.get(run.id, (-1, "")) for run in runs}
        changed = [run for run in runs if drawn[run.id][0] != run.cursor]
        found = await self._client.many([run.id for run in changed], ["loss"], buckets=_BUCKETS)
        for run in changed:
            drawn[run.id] = run.cursor, mask(found.get(run.id, {}).get("loss"))
        for name, one in drawn.items():
            self._kept[name] = one
            self._kept.move_to_end(name)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return {name: drawing for name, (_, drawing) in drawn.items()}
