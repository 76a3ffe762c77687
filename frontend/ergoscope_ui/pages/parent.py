"""The run that a run was forked from, as whoever looks may see it."""

from ergoscope_contract.answers import RunSummary
from ergoscope_ui.client import Client
from ergoscope_ui.errors import UnknownError


async def parent_of(client: Client, run: RunSummary) -> RunSummary | None:
    """Give it; None where there is none, or it was deleted, or is not theirs to see.

    Raises:
        UiError: The service does not answer, or refuses.
    """
    if run.fork is None:
        return None
    try:
        return await client.run(run.fork.run)
    except UnknownError:
        return None
