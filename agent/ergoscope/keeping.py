"""What a server keeps of runs, and for whom: deleted, set aside, written to files, shared by links, thinned."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlencode

import msgspec

from ergoscope.addresses import path_of
from ergoscope.client import Client, Parameters, read
from ergoscope.errors import SettingError
from ergoscope_contract.answers import Retention, Share

FORMATS = ("csv", "json", "parquet")
DAYS = 7.0  # that a link lasts unless told otherwise


class _Shares(msgspec.Struct):
    shares: list[Share]


class _Policies(msgspec.Struct):
    retention: list[Retention]


class Keeper:
    """Says what one server is to do with its runs, each by its id.

    Raises (every method):
        NoServerError: nothing answers.
        UnknownRunError: it is not there, or no longer, or not for this token.
        AnswerError: the server refuses, with its reason, or is another kind of server.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def delete(self, run: str) -> None:
        """Delete a run with everything that was kept of it. There is no way back."""
        self._client.delete(path_of(run))

    def archive(self, run: str) -> None:
        """Set a run aside: it is not listed unless asked for, and reads as before. A new attempt brings it back."""
        self._client.put(path_of(run, "archive"), None)

    def unarchive(self, run: str) -> None:
        """Take a run back that was set aside."""
        self._client.delete(path_of(run, "archive"))

    def share(self, run: str, *, days: float = DAYS) -> Share:
        """Make a link by which whoever has it reads this run, for so many days; its `path` is told this once."""
        asked = urlencode({"days": f"{days:g}"})
        return read(self._client.send(f"{path_of(run, 'shares')}?{asked}", None), Share)

    def link(self, share: Share) -> str:
        """Give the whole address of a link that was just made."""
        return f"{self._client.base_url}{share.path}"

    def shares(self, run: str) -> list[Share]:
        """The links to a run that have not expired, the oldest first, without what opens them."""
        return read(self._client.fetch(path_of(run, "shares")), _Shares).shares

    def revoke_share(self, run: str, share_id: str) -> None:
        """Take a link back; it opens nothing a second later."""
        self._client.delete(path_of(run, "shares", share_id))

    def write(
        self, run: str, into: BinaryIO, *, kind: str = "csv", metrics: Sequence[str] = (), rank: int | None = None
    ) -> None:
        """Write everything that was logged of a run, as it comes: a row a point, at full resolution.

        Args:
            run: Its id.
            into: An open file.
            kind: One of FORMATS.
            metrics: Names, * stands for any characters; none means all.
            rank: One process of a distributed job; None means each.
        """
        asked: Parameters = [("format", kind), *(("metrics", name) for name in metrics)]
        self._client.download(path_of(run, "export"), [*asked, *_of_rank(rank)], into)

    def export(
        self, run: str, to: Path, *, kind: str = "", metrics: Sequence[str] = (), rank: int | None = None
    ) -> None:
        """Write a run to a file, as `write` does; beside it first, so that a part is not taken for the whole.

        kind: empty means as the file is called, else CSV.

        Raises:
            SettingError: the file cannot be written, or there is no such format.
        """
        kind = kind or kind_of(to)
        if kind not in FORMATS:
            raise SettingError(f"there is no format {kind!r}; there are {', '.join(FORMATS)}")
        part = to.with_name(to.name + ".part")
        try:
            with part.open("wb") as into:
                self.write(run, into, kind=kind, metrics=metrics, rank=rank)
            part.replace(to)
        except OSError as error:
            if isinstance(error, ConnectionError):
                raise
            raise SettingError(f"{to} cannot be written: {error.strerror or error}; give another place") from None
        finally:
            part.unlink(missing_ok=True)

    def policies(self) -> list[Retention]:
        """The projects that do not keep every point for ever."""
        return read(self._client.fetch("/retention"), _Policies).retention

    def keep(self, policy: Retention) -> None:
        """Keep every point of a project for so many days."""
        self._client.put(_of_project(policy.project), {"days": policy.days, "ended": policy.ended})

    def keep_everything(self, project: str) -> None:
        """Keep every point of a project from now on."""
        self._client.delete(_of_project(project))


def kind_of(to: Path) -> str:
    """Say in which format a file is written, going by its name.

    Example:
        >>> kind_of(Path("run.json")), kind_of(Path("run.txt"))
        ('json', 'csv')
    """
    suffix = to.suffix.lstrip(".")
    return suffix if suffix in FORMATS else "csv"


def _of_rank(rank: int | None) -> Parameters:
    return [] if rank is None else [("rank", str(rank))]


def _of_project(project: str) -> str:
    return f"/retention?{urlencode({'project': project})}"
