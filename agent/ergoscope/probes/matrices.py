"""How far weight matrices stretch what they are given, and what that comes to over the whole net."""

import math
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn

from ergoscope.findings import Column, Findings
from ergoscope.hearing.nets import linear_chain, norms_mean_nothing
from ergoscope.layers import Layout, Moment
from ergoscope.numerics.paths import log_paths
from ergoscope.numerics.stretch import first_direction, stretch_of
from ergoscope.probes.probe import Reading
from ergoscope.remark import Remark, Remarks

_FIRST, _NEXT = 20, 5  # rounds of power iteration on a matrix that was not seen yet, and on one that was
_LARGEST = 1 << 26  # entries of a matrix in half precision: it is copied to fp32 for the time
_WIDE = (torch.float32, torch.float64)
_WHOLE = ("norm_product", "norm_distance")


class Net:
    """What the norms of a model's layers say of the model; its probes share it.

    Attributes:
        undefined: Why norms of the whole net are not defined, empty where they are.
        chain: The layers that paths go through, empty where they cannot be counted.
        remarks: What the user is to be told.
    """

    def __init__(self, model: nn.Module) -> None:
        """Look at the modules of `model`."""
        self.undefined = norms_mean_nothing(model)
        found = linear_chain(model)
        self.chain = () if isinstance(found, str) else found
        self.remarks = Remarks()
        self.probes = 0
        self._pathless = found if isinstance(found, str) else ""

    def tell(self) -> None:
        """Say what is not defined, once, when it would be measured."""
        if self.undefined:
            text = f"norms of the whole net are not defined: {self.undefined}"
            self.remarks.tell(Remark(text, absent=True, quantities=list(_WHOLE)))
        if self._pathless:
            text = f"the path norm is not defined: {self._pathless}"
            self.remarks.tell(Remark(text, absent=True, quantities=["path_norm"]))


class MatrixNormProbe:
    """Stable rank of every weight matrix, and norm measures of the net, for comparing runs only.

    A parameter of more than two dimensions is a matrix of one row for each entry of its first. ‖W‖₂ is found by power
    iteration, 20 rounds at the first look and 5 more at each from where the last one ended: never too large, and too
    small while the matrix still turns, so that a stable rank is never too small.

    - `stable_rank`: ‖W‖_F²/‖W‖₂².
    - `norm_product`: Σ over matrices of log ‖W‖₂.
    - `norm_distance`: Σ over matrices of ‖W - W₀‖_F²/‖W‖₂², at steps at which the distance from the start is taken.
    - `path_norm`: log of the sum over paths, of a chain of linear layers without biases.
    """

    produces: ClassVar[tuple[str, ...]] = ("stable_rank", "norm_product", "norm_distance", "path_norm")

    def __init__(self, net: Net) -> None:
        """Join the probes of `net`."""
        self._net = net
        self._first = not net.probes
        net.probes += 1
        self._directions: dict[str, Tensor] = {}

    def measure(self, moment: Moment) -> Reading | None:
        """Norms of all matrices; None when there are none here."""
        self._net.tell()
        at = [i for i, p in enumerate(moment.parameters) if is_matrix(p)]
        small = [i for i in at if _fits(moment.parameters[i])]
        if len(small) < len(at):
            self._tell_of_large(moment.layout.names[next(i for i in at if i not in small)])
        values: list[Tensor] = []
        for i in small:
            values += self._norms(moment.layout.names[i], moment.parameters[i])
        paths = self._first and bool(self._net.chain)
        if paths:
            values.append(log_paths([layer.weight for layer in self._net.chain]))
        whole = not self._net.undefined and len(small) == len(at)
        return Reading(values or [0.0], partial(self._read, moment.layout, small, paths, whole))

    def _norms(self, name: str, parameter: Tensor) -> tuple[Tensor, Tensor]:
        matrix = matrix_of(parameter)
        direction = self._directions.get(name)
        known = direction is not None and direction.shape == matrix.shape[1:] and direction.device == matrix.device
        if not known or direction is None:
            direction = first_direction(matrix)
        rounds = _NEXT if known else _FIRST
        stretch, self._directions[name] = stretch_of(matrix, direction.to(matrix.dtype), rounds=rounds)
        return torch.linalg.vector_norm(matrix), stretch

    def _tell_of_large(self, name: str) -> None:
        text = f"norms of {name} are absent: it has more than {_LARGEST:,} entries in half precision, and with them"
        text = f"{text} those of the whole net"
        self._net.remarks.tell(Remark(text, absent=True, quantities=["stable_rank", *_WHOLE]))

    def _read(
        self,
        layout: Layout,
        at: Sequence[int],
        paths: bool,
        whole: bool,
        values: Sequence[float],
        findings: Findings,
    ) -> None:
        count = len(at)
        sizes, stretches = values[: 2 * count : 2], values[1 : 2 * count : 2]
        if layout.layered and at:
            ranks = [(f / s) ** 2 if s else math.nan for f, s in zip(sizes, stretches, strict=True)]
            findings.columns.append(Column("stable_rank", layout.number, [layout.names[i] for i in at], ranks))
        if paths:
            findings.scalars["path_norm"] = values[2 * count]
        if not whole:
            return
        logs = [math.log(s) if s > 0 else (-math.inf if s == 0 else math.nan) for s in stretches]
        findings.add_parts("norm_product", [sum(logs)], _sum)
        distances = findings.column("dist_from_init", layout)
        if distances is not None:
            gone = [(distances[i] / s) ** 2 if s else math.nan for i, s in zip(at, stretches, strict=True)]
            findings.add_parts("norm_distance", [sum(gone)], _sum)


def is_matrix(parameter: Tensor) -> bool:
    """Whether a parameter has the two dimensions that a stretch takes, and entries that are numbers in a row."""
    return (
        parameter.dim() > 1
        and parameter.numel() > 0
        and parameter.layout == torch.strided
        and parameter.is_floating_point()
        and parameter.dtype.itemsize > 1
    )


def matrix_of(parameter: Tensor) -> Tensor:
    """A parameter of two or more dimensions as a matrix in fp32 or fp64, a row for each entry of its first one."""
    matrix = parameter.detach().flatten(1)
    return matrix if matrix.dtype in _WIDE else matrix.float()


def _fits(parameter: Tensor) -> bool:
    return parameter.dtype in _WIDE or parameter.numel() <= _LARGEST


def _sum(parts: Sequence[float]) -> float:
    return parts[0]
