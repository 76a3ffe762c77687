"""What was seen of one twin, as a file."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ergoscope.errors import SpoolError


@dataclass(frozen=True, slots=True, eq=False)
class TwinRecord:
    """Looks at a run, all at the same steps.

    steps: shape (n,). losses: of each probe example, shape (n, points). sketches: of all weights, shape (n, buckets).
    layers: names of the parameters; layer_sketches: of each, shape (n, layers, few buckets).
    used: how often the script asked for its data. trouble: why looking ended early; empty when it did not.
    """

    steps: NDArray[np.int64]
    losses: NDArray[np.float64]
    sketches: NDArray[np.float64]
    layers: tuple[str, ...]
    layer_sketches: NDArray[np.float64]
    used: int = 1
    trouble: str = ""

    def save(self, path: Path) -> None:
        """Write it, in one piece."""
        draft = path.with_suffix(".part.npz")
        np.savez_compressed(
            draft,
            steps=self.steps,
            losses=self.losses,
            sketches=self.sketches,
            layers=np.array(self.layers, dtype=np.str_),
            layer_sketches=self.layer_sketches,
            used=self.used,
            trouble=self.trouble,
        )
        draft.replace(path)

    @classmethod
    def load(cls, path: Path) -> "TwinRecord":
        """Read one.

        Raises:
            SpoolError: it is not there.
        """
        try:
            with np.load(path) as kept:
                return cls(
                    kept["steps"],
                    kept["losses"],
                    kept["sketches"],
                    tuple(str(name) for name in kept["layers"]),
                    kept["layer_sketches"],
                    int(kept["used"]),
                    str(kept["trouble"]),
                )
        except FileNotFoundError:
            raise SpoolError(
                f"{path.stem} left nothing to compare; the script must call ergoscope.watch(model, optimizer, "
                "probe=batch, loss_fn=losses) with the loss of each example of a fixed batch, and come to its end"
            ) from None

    def at(self, steps: NDArray[np.int64]) -> "TwinRecord":
        """Give the looks at some of its steps."""
        kept = np.isin(self.steps, steps)
        return replace(
            self,
            steps=self.steps[kept],
            losses=self.losses[kept],
            sketches=self.sketches[kept],
            layer_sketches=self.layer_sketches[kept],
        )


def side_by_side(first: TwinRecord, second: TwinRecord) -> tuple[TwinRecord, TwinRecord]:
    """Give two twins at the steps at which both were looked at."""
    steps = np.intersect1d(first.steps, second.steps)
    return first.at(steps), second.at(steps)
