"""Where probes hand over what they measured."""

from collections.abc import Sequence
from typing import Protocol

from ergoscope_contract.records import Event, Grid, Histogram, Sketch, Spectrum


class Outlet(Protocol):
    """Takes measurements off the training thread's hands: no call blocks, waits or raises."""

    def table(self, keys: Sequence[str]) -> int:
        """Register a set of keys once and get its number; cheap, but not for every step."""
        ...

    def row(self, table: int, step: int, values: bytes, *, dtype: str = "f4") -> None:
        """Hand over one value a key of `table`, in its order, packed as `dtype` ("f4" or "f8").

        The bytes are in the machine's own order, as `array.tobytes` and `ndarray.tobytes` give them.
        A row whose length does not fit the table is counted as lost.
        """
        ...

    def record(self, record: Histogram | Sketch | Spectrum | Grid | Event) -> None:
        """Hand over one record of the contract."""
        ...
