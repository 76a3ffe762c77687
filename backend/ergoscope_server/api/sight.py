"""Which runs a live reader may be told of, as new ones come."""

from ergoscope_server.api.caller import READS
from ergoscope_server.people.rights import Caller
from ergoscope_server.store.people import People


class Sight:
    """What one caller sees of all runs.

    projects: those whose runs it sees; None for all.
    """

    def __init__(self, caller: Caller, people: People) -> None:
        self.projects = caller.where(READS)
        self._runs, self._people = caller.runs, people

    def has(self, run: str) -> bool:
        """Say whether a run is to be seen; asks the database where not all are."""
        if self.projects is None or run in self._runs:
            return True
        return self._people.projects([run]).get(run) in self.projects
