"""Reading back from a server, as numpy arrays; and deleting, archiving, exporting and sharing what it has."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ergoscope.addresses import server_url
from ergoscope.client import Client, MetricHead
from ergoscope.credentials import find_token
from ergoscope.errors import AnswerError
from ergoscope.keeping import Keeper
from ergoscope_contract.answers import Alert, RankSummary, RunSummary, Share, Slice, Verdict
from ergoscope_contract.records import Event
from ergoscope_contract.slices import Axes, Dimensions, SliceRequest


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """One series at full resolution: int64 `steps`, rising, and as many float64 `values`, NaN and infinities too."""

    metric: str
    steps: NDArray[np.int64]
    values: NDArray[np.float64]
    rank: int = 0

    def __len__(self) -> int:
        """Count the points."""
        return len(self.steps)


class Api:
    """A server, asked from a script.

    Args:
        url: Its address; else ERGOSCOPE_BASE_URL, else http://127.0.0.1:7117.
        api_key: Its token, when it wants one; else ERGOSCOPE_API_KEY, else what ~/.ergoscope/netrc has for it.

    Example:
        Api().run("calm-otter-41").series("loss").values
    """

    def __init__(self, url: str | None = None, *, api_key: str | None = None) -> None:
        self._client = Client(server_url(url), api_key=find_token(server_url(url), api_key))

    @property
    def url(self) -> str:
        """The server's address."""
        return self._client.base_url

    def runs(self, *, archived: bool = False) -> list["StoredRun"]:
        """Every run, the newest first; those that were set aside, or those that were not.

        Raises:
            NoServerError: nothing answers.
        """
        return [StoredRun(self._client, summary) for summary in self._client.runs(archived=archived)]

    def run(self, reference: str) -> "StoredRun":
        """One run by its id, or by a name that only one run has.

        Raises:
            NoServerError: nothing answers.
            UnknownRunError: none, or several, go by it.
        """
        return StoredRun(self._client, self._client.find(reference))

    def alerts(self, *, run: str | None = None, state: str | None = None) -> list[Alert]:
        """Alerts, newest first; of one run's id and of one state ("firing", "resolved") where given."""
        return self._client.alerts(run=run, state=state)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class StoredRun:
    """One run on a server. `summary` is what was known of it when it was asked for."""

    def __init__(self, client: Client, summary: RunSummary) -> None:
        self._client = client
        self._keeper = Keeper(client)
        self.summary = summary

    @property
    def id(self) -> str:
        """Its id."""
        return self.summary.id

    @property
    def name(self) -> str:
        """Its name."""
        return self.summary.name

    @property
    def status(self) -> str:
        """running, silent, finished, failed or crashed."""
        return self.summary.status

    def __repr__(self) -> str:
        """Show which run it is."""
        return f"<run {self.id} {self.name!r}: {self.status}>"

    def metrics(self) -> list[MetricHead]:
        """Its metrics, with the number of points and the last one."""
        return self._client.metrics(self.id)

    def series(
        self,
        metric: str,
        *,
        first: int | None = None,
        last: int | None = None,
        rank: int | None = None,
        own: bool = False,
    ) -> Points:
        """One series at full resolution, of the steps from `first` to `last`; without points when there are none.

        Of a job of many processes it is that of all of them brought together, or of one `rank`. Of a run that was
        forked it begins with the history of the run it comes from, unless only its `own` part is asked for.

        Raises:
            AnswerError: `metric` is a pattern that more than one series fits; ask for each.
        """
        lines = self._client.series(self.id, [metric], first=first, last=last, rank=rank, own=own)
        if len(lines) > 1:
            names = ", ".join(line.metric for line in lines[:5])
            raise AnswerError(f"{metric!r} fits {len(lines)} series ({names}, ...); ask for one at a time")
        if not lines:
            return Points(metric, np.empty(0, np.int64), np.empty(0), rank or 0)
        values = np.array([float(value) for value in lines[0].values], dtype=np.float64)
        return Points(lines[0].metric, np.array(lines[0].steps, dtype=np.int64), values, rank or 0)

    def ranks(self) -> list[RankSummary]:
        """The processes of its newest attempt, by rank: which is silent, and how far each is behind the foremost."""
        return self._client.ranks(self.id)

    def slice(
        self,
        *,
        axes: Axes = "hessian",
        dimensions: Dimensions = 1,
        points: int = 21,
        extent: float | None = None,
        share: float | None = None,
    ) -> SliceRequest:
        """Ask the job for a slice of the loss around its weights; `slices` has it, by the request's id, once measured.

        Args:
            axes: Directions: the Hessian's steepest, the last update and the gradient, or random ones.
            dimensions: A line or a plane.
            points: Offsets a side, odd, from 5 to 41.
            extent: Half its width in weight norm; None lets the agent choose.
            share: Of the step time, what may be spent on it beside all else, 0.001 to 1; None means the run's budget.

        Raises:
            AnswerError: it cannot be asked: a choice that is not allowed, an ended run, or a slice that is waited for.
        """
        choices = {"axes": axes, "dimensions": dimensions, "points": points, "extent": extent, "share": share}
        return self._client.ask_slice(self.id, choices)

    def withdraw_slice(self, slice_id: str) -> None:
        """Take a question for a slice back: the job stops measuring it, and another can be asked for.

        Raises:
            UnknownRunError: there is no slice of this id.
            AnswerError: it is measured or refused already.
        """
        self._client.withdraw_slice(self.id, slice_id)

    def slices(self) -> list[Slice]:
        """The newest slices of the loss that were asked for, the newest first."""
        return self._client.slices(self.id)

    def verdict(self) -> Verdict:
        """What the indicators say of it, with the evidence."""
        return self._client.verdict(self.id)

    def events(self) -> list[Event]:
        """What happened in it, in order of arrival."""
        return self._client.events(self.id)

    def alerts(self) -> list[Alert]:
        """Its alerts."""
        return self._client.alerts(run=self.id)

    def export(self, to: str | Path, *, kind: str = "", metrics: Sequence[str] = (), rank: int | None = None) -> Path:
        """Write everything that was logged of it to a file: a row a point, at full resolution.

        Args:
            to: Where; what lies there is replaced once all has come.
            kind: "csv", "json" or "parquet", which needs pyarrow at the server; else as the file is called, else CSV.
            metrics: Names, * stands for any characters; none means all.
            rank: One process of a distributed job; None means each.

        Returns:
            The file.

        Raises:
            SettingError: the file cannot be written, or there is no such format.
            UnknownRunError: it is not there, or a metric is not.
            AnswerError: the server cannot write this format, or is writing as many runs as it may.
        """
        self._keeper.export(self.id, Path(to), kind=kind, metrics=metrics, rank=rank)
        return Path(to)

    def archive(self) -> None:
        """Set it aside: it is not listed unless asked for, and reads as before. A new attempt brings it back.

        Raises:
            UnknownRunError: it is not there any more.
            AnswerError: the token may not write in its project.
        """
        self._keeper.archive(self.id)

    def unarchive(self) -> None:
        """Take it back where it was set aside.

        Raises:
            UnknownRunError: it is not there any more.
            AnswerError: the token may not write in its project.
        """
        self._keeper.unarchive(self.id)

    def delete(self) -> None:
        """Delete it with everything that the server has of it. There is no way back.

        A job that still sends to it goes on, and what it sends is dropped.

        Raises:
            UnknownRunError: there was no such run.
            AnswerError: the token is no admin's of its project.
        """
        self._keeper.delete(self.id)

    def share(self, *, days: float = 7.0) -> str:
        """Make a link by which whoever has it reads this run and nothing else; it is told this once.

        Args:
            days: After which it expires, at most 365.

        Raises:
            UnknownRunError: it is not there any more.
            AnswerError: `days` is not allowed, or the token may not write in its project.
        """
        return self._keeper.link(self._keeper.share(self.id, days=days))

    def shares(self) -> list[Share]:
        """The links to it that have not expired, the oldest first, without what opens them."""
        return self._keeper.shares(self.id)

    def revoke_share(self, share_id: str) -> None:
        """Take a link back, by its id; it opens nothing a second later.

        Raises:
            UnknownRunError: the run, or a link of it with this id, is not there.
        """
        self._keeper.revoke_share(self.id, share_id)
