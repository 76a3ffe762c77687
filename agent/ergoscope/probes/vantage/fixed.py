"""Openings on a batch that stays the same: what comparisons over time need."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from torch.optim import Optimizer

from ergoscope.curvature.blocks import Block
from ergoscope.curvature.fitted import fitted_products
from ergoscope.curvature.objective import Objective
from ergoscope.curvature.probed import probed_products
from ergoscope.probes.vantage.opening import Label, Opening
from ergoscope.probes.vantage.trust import Trust

_SEED = 0


class FixedBatch:
    """Runs the user's loss on the user's batch, right after a step, always with the same random draws."""

    def __init__(self, objective: Objective, optimizers: Sequence[Optimizer], trust: Trust) -> None:
        """Look at `objective`, which `optimizers` descend."""
        self._objective = objective
        self._only = optimizers[0] if len(optimizers) == 1 else None
        self._trust = trust
        self._batch = self._whole = f"the fixed batch {objective.batch}".rstrip()

    def halve(self) -> str:
        """Go on with the first half of the batch; gives what is taken now, empty when it cannot be halved."""
        smaller = self._objective.smaller()
        if smaller is None:
            return ""
        self._objective = smaller
        self._batch = f"the first {smaller.rows} rows of {self._whole}"
        return self._batch

    @contextmanager
    def open(self, block: Block, over: str) -> Iterator[Opening]:
        """Open over a block, called `over`.

        Raises:
            ValueError: The batch cannot be run here, or its loss cannot be differentiated twice.
        """
        obstacle = self._objective.obstacle()
        if obstacle:
            raise ValueError(obstacle)
        trust = self._trust
        with probed_products(
            self._objective, block.parameters, seed=_SEED, trusted=trust.functions, differences=trust.differences
        ) as probed:
            label = Label(probed.how, self._batch, over)
            yield Opening(
                probed.products,
                block,
                1.0,
                True,
                self._only,
                label,
                probed.custom,
                probed.doubt,
                beside=probed.beside,
                fitted=partial(fitted_products, self._objective, block.parameters, seed=_SEED),
            )
