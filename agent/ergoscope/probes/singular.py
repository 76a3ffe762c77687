"""The spectrum of one weight matrix at a time: how many directions it uses, and how heavy its tail is."""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from ergoscope.findings import Findings
from ergoscope.layers import Moment
from ergoscope.numerics.singular import effective_rank, eigenvalues_of
from ergoscope.numerics.tail_exponent import Tail, fit_random, fit_tail
from ergoscope.probes.matrices import is_matrix, matrix_of
from ergoscope.probes.probe import Reading
from ergoscope.readout import on_host
from ergoscope.remark import Remarks

SIDE = 768  # of the smaller side; a spectrum of 768 × 3,072 takes some 0.2 s of one core
ENTRIES = 1 << 22
_SMALL = 50  # smaller side from which a tail is fitted


class SingularValueProbe:
    """Effective rank and tail exponent of the matrix whose turn it is; the next call takes the next one.

    All singular values are worked out on the host, exactly, in the step's own time: so rarely, one matrix at a time,
    and of matrices up to 768 on the smaller side and 4 million entries. Of larger ones there is no reading. Beside the
    exponent of the tail stand its error, the distance of the fit, the values in it, and what the same fit gives for a
    Gaussian matrix of that shape: without these it says nothing. It takes a smaller side of 50 or more.

    Attributes:
        remarks: What the user is to be told.
    """

    produces: ClassVar[tuple[str, ...]] = (
        "effective_rank",
        "spectral_alpha",
        "spectral_alpha_error",
        "spectral_alpha_distance",
        "spectral_alpha_tail",
        "spectral_alpha_null",
    )

    def __init__(self, remarks: Remarks) -> None:
        """Begin with the first matrix; tell `remarks`."""
        self.remarks = remarks
        self._next = 0
        self._random: dict[tuple[int, ...], Tail | None] = {}  # by shape: the fit to a matrix without structure

    def measure(self, moment: Moment) -> Reading | None:
        """Send the matrix whose turn it is to the host; None when there is none that is small enough."""
        matrices = [i for i, p in enumerate(moment.parameters) if is_matrix(p) and min(matrix_shape(p)) > 1]
        fit = [i for i in matrices if _fits(moment.parameters[i])]
        if len(fit) < len(matrices):
            self._tell_of_large([moment.layout.names[i] for i in matrices if i not in fit])
        if not fit:
            return None
        at = fit[self._next % len(fit)]
        self._next += 1
        matrix = matrix_of(moment.parameters[at])
        arrived = on_host(matrix)
        return Reading([torch.linalg.vector_norm(matrix)], partial(self._read, moment.layout.names[at], arrived))

    def _read(self, name: str, matrix: Tensor, values: Sequence[float], findings: Findings) -> None:
        del values  # they are there when the matrix is
        try:
            eigenvalues = eigenvalues_of(matrix.cpu())
        except ValueError:
            return  # what is not finite is told elsewhere
        found = {"effective_rank": effective_rank(eigenvalues)}
        if min(matrix.shape) >= _SMALL:
            found |= self._tail(tuple(matrix.shape), fit_tail(eigenvalues))
        findings.rows.append((tuple([f"{key}/{name}" for key in found]), list(found.values())))

    def _tail(self, shape: tuple[int, ...], tail: Tail | None) -> dict[str, float]:
        if shape not in self._random:
            self._random[shape] = fit_random(*shape)
        random = self._random[shape]
        if tail is None or random is None:
            return {}
        return {
            "spectral_alpha": tail.exponent,
            "spectral_alpha_error": tail.error,
            "spectral_alpha_distance": tail.distance,
            "spectral_alpha_tail": float(tail.count),
            "spectral_alpha_null": random.exponent,
        }

    def _tell_of_large(self, names: Sequence[str]) -> None:
        text = f"effective rank and tail exponent are absent for {len(names)} matrices, the first of them {names[0]}"
        self.remarks.tell(f"{text}: the smaller side is more than {SIDE}, or there are more than {ENTRIES:,} entries")


def matrix_shape(parameter: Tensor) -> tuple[int, int]:
    """Shape of a parameter of two or more dimensions as a matrix.

    Example:
        >>> matrix_shape(torch.zeros(8, 3, 5, 5))
        (8, 75)
    """
    return parameter.shape[0], parameter.numel() // parameter.shape[0]


def _fits(parameter: Tensor) -> bool:
    return min(matrix_shape(parameter)) <= SIDE and parameter.numel() <= ENTRIES
