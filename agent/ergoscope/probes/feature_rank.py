"""How many directions the last features of a net use."""

import math
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn

from ergoscope.curvature.vectors import wide_dtype
from ergoscope.findings import Findings
from ergoscope.hearing.features import head_of
from ergoscope.hearing.listening import Ear
from ergoscope.layers import Moment
from ergoscope.numerics.histogram import stride
from ergoscope.numerics.singular import effective_rank, eigenvalues_of_products, products_of
from ergoscope.probes.probe import Reading
from ergoscope.readout import on_host
from ergoscope.remark import Remark, Remarks

RUN = 16  # steps one after the other of which a reading is made
EACH = 32  # rows of one step
_WORK = 1 << 28  # multiplications for the products of all rows
_UNHEARD = "the last linear layer was not heard: it is compiled, or its steps were no training steps"


class FeatureRankProbe:
    """Effective rank of the features that entered the last linear layer over 16 steps in a row.

    Of each step up to 32 rows are kept, evenly over its batch and all positions, so that a reading is of 512 rows at
    most, and of wide features of fewer. Only products of rows or of features, whichever are fewer, leave the device.
    The features are those of training: dropout is in them, and the weights move a little meanwhile.

    Attributes:
        remarks: What the user is to be told.
    """

    produces: ClassVar[tuple[str, ...]] = ("feature_rank",)

    def __init__(self, model: nn.Module) -> None:
        """Find the last linear layer of `model`."""
        self.remarks = Remarks()
        self._head = head_of(model)
        self._each = 0 if self._head is None else min(EACH, math.isqrt(_WORK // self._head.in_features) // RUN)
        self._left = 0  # rows that the running step may still add
        self._begin()

    def _begin(self) -> None:
        self._rows: list[Tensor] = []
        self._steps = 0  # that were heard
        self._fresh = self._asked = self._ends = False

    def arm(self, ear: Ear) -> None:
        """Listen to the next step's forward passes."""
        if self._ends:  # what it ended was never measured
            self._begin()
        self._left = self._each
        if self._head is not None:
            ear.to_input(self._head, self._hear)

    def rest(self) -> None:
        """The next step is not looked at: what this one leaves unfinished is dropped."""
        self._ends = self._asked or bool(self._rows)

    def _hear(self, given: Tensor) -> None:
        if not (self._left and given.is_floating_point() and given.dim() > 1 and not given.is_nested and given.numel()):
            return
        rows = given.reshape(-1, given.shape[-1])
        kept = rows[:: stride(len(rows), self._left)].to(torch.float32, copy=True)
        self._left -= len(kept)
        self._rows.append(kept)
        self._fresh = True

    def measure(self, moment: Moment) -> Reading | None:
        """What 16 steps in a row have shown, after the last of them; None after the others."""
        del moment
        self._asked = True
        fresh, self._fresh = self._fresh, False
        self._steps += fresh
        reading = self._reading(torch.cat(self._rows)) if self._steps == RUN else None
        if self._ends and not self._rows:
            self._tell("the model has no linear layer" if self._head is None else _UNHEARD)
        if self._ends or reading is not None:
            self._begin()
        return reading

    def _reading(self, rows: Tensor) -> Reading:
        # A mean that all rows share is large: in fp32 its rounding would pass for further directions.
        products = products_of(rows, dtype=wide_dtype(rows.device))
        arrived = on_host(products)
        return Reading([products[0, 0]], partial(self._read, tuple(rows.shape), arrived))

    def _read(self, shape: tuple[int, ...], products: Tensor, values: Sequence[float], findings: Findings) -> None:
        del values  # they are there when the products are
        try:
            rank = effective_rank(eigenvalues_of_products(products.cpu()))
        except ValueError:
            return  # what is not finite is told elsewhere
        if math.isnan(rank):
            self._tell("all features are zero")
            return
        findings.scalars["feature_rank"] = rank
        rows, features = shape
        how = f"of {rows} rows of {features:,} features that entered the last linear layer in {RUN} steps"
        self.remarks.tell(Remark(f"feature rank is {how}", how=how))

    def _tell(self, reason: str) -> None:
        self.remarks.tell(Remark(f"feature rank is not measured: {reason}", absent=True))
