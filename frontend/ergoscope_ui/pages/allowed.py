"""What whoever looks may do; nothing where that cannot be asked."""

from ergoscope_ui.client import Client
from ergoscope_ui.errors import UiError
from ergoscope_ui.rights import NOTHING, Rights


async def rights_of(client: Client) -> Rights:
    """Ask for it."""
    try:
        return await client.rights()
    except UiError:
        return NOTHING
