"""That batches of a run were stored: all that workers are told, since the log has the rest."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Announced:
    """Batches of one run since the last that was announced: how many, and their bytes."""

    rows: int
    size: int

    def __add__(self, other: "Announced") -> "Announced":
        """Make one of two."""
        return Announced(self.rows + other.rows, self.size + other.size)
