"""A run as its charts need it: asked for in one round of questions, whatever part of the page it is for."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ergoscope_contract.answers import RunSummary, Verdict
from ergoscope_ui.address import Address
from ergoscope_ui.cadence import News, news
from ergoscope_ui.client import Client
from ergoscope_ui.curve import Curve
from ergoscope_ui.extent import Extent, extent
from ergoscope_ui.figures.canvas import Frame
from ergoscope_ui.theme import Palette
from ergoscope_ui.titles import axis


@dataclass(frozen=True, slots=True)
class Dossier:
    """What is known of a run.

    news: what its events tell of how its series were obtained.
    curves: by name, those that have points.
    extent: the steps that all its charts show.
    colours: they are drawn in.
    """

    summary: RunSummary
    verdict: Verdict
    news: News
    curves: Mapping[str, Curve]
    extent: Extent
    colours: Palette

    @property
    def now(self) -> int:
        """The newest step of the run, or where the charts end before it."""
        return min(self.summary.last_step or 0, self.extent.last)

    def frame(self, key: str, *, unit: str | None = None) -> Frame:
        """What a chart of a series shows apart from it; by default in the unit that the catalogue gives."""
        return self.extent.frame(self.colours, unit=axis(key) if unit is None else unit, marks=self.verdict.marks)


async def gather(
    client: Client,
    held: Address,
    series: Sequence[str],
    colours: Palette,
    *,
    buckets: int | None = None,
    first: int | None = None,
) -> Dossier:
    """Ask for a run, what is said of it, what happened in it, and some of its series.

    Args:
        client: Of the service.
        held: The run, and the steps that its charts are held to.
        series: Names, which may end in /*; without any there are no curves.
        colours: To draw in.
        buckets: Stretches of steps a curve is cut into; None for full resolution.
        first: The step that the curves begin at, where that is another than the charts'.

    Raises:
        UiError: The service does not answer, or refuses.
    """
    summary, verdict, events, curves = await asyncio.gather(
        client.run(held.run),
        client.verdict(held.run),
        client.events(held.run),
        client.series(held.run, series, buckets=buckets, first=held.first if first is None else first, last=held.last),
    )
    there = {key: curve for key, curve in curves.items() if curve.size}
    return Dossier(summary, verdict, news(events), there, extent([summary], there.values(), held), colours)
