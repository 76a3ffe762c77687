"""Says again and again that this process does its part, so that a pause of the service is not taken for one of jobs."""

import asyncio
import logging
from typing import Protocol

from ergoscope_server.store.duty import REPORT_S, Role

log = logging.getLogger(__name__)


class DutyStore(Protocol):
    """Where it is said."""

    def report(self, role: Role) -> None:
        """Say that this process does its part."""
        ...


async def attend(store: DutyStore, role: Role, *, every_s: float = REPORT_S) -> None:
    """Say so until cancelled; what cannot be said now is said the next time."""
    while True:
        try:
            await asyncio.to_thread(store.report, role)
        except Exception as error:  # whatever it is, it must not end this for good
            log.warning("cannot say who is on duty: %s", error)
        await asyncio.sleep(every_s)
