"""How far the last features of a classifier have collapsed to one point a class, and these points to a simplex."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Square = NDArray[np.float64]  # shape (classes, classes)

_NOTHING = 1e-5  # of the largest eigenvalue of the means' products: below it there is only rounding in fp32


class Scatter:
    """Class means of features, and their scatter within classes, added up over batches.

    Batches are merged by their deviations from means, not by sums of squares, which would cancel just where classes
    have collapsed. Source: Chan, Golub, LeVeque (1983).

    Attributes:
        counts: Examples of each class, shape (C,). means: Their mean features, shape (C, d).
        within: Σ (h - μ_y)(h - μ_y)ᵀ over the examples, shape (d, d).
    """

    def __init__(self, classes: int, features: int, device: torch.device) -> None:
        """Begin with nothing, on a device."""
        self.counts = torch.zeros(classes, dtype=torch.float32, device=device)
        self.means = torch.zeros(classes, features, dtype=torch.float32, device=device)
        self.within = torch.zeros(features, features, dtype=torch.float32, device=device)

    def add(self, features: Tensor, labels: Tensor, counting: Tensor) -> None:
        """Take a batch in, without waiting for the device.

        Args:
            features: fp32, shape (n, d).
            labels: Shape (n,), from 0 to C - 1.
            counting: 1 for examples that count, 0 for others, fp32, shape (n,).
        """
        classes = torch.arange(len(self.counts), device=features.device)
        ones = (labels.unsqueeze(1) == classes) * counting.unsqueeze(1)
        with torch.autocast(features.device.type, enabled=False):
            here = ones.sum(0)
            own = ones.t() @ features / here.clamp_min(1.0).unsqueeze(1)
            away = (features - own[labels]) * counting.unsqueeze(1)
            total = (self.counts + here).clamp_min(1.0)
            shift = own - self.means
            between = shift * (self.counts * here / total).sqrt().unsqueeze(1)
            rows = torch.cat([away, between])
            self.within.addmm_(rows.t(), rows)
            self.means += shift * (here / total).unsqueeze(1)
            self.counts += here

    def nearest(self, features: Tensor) -> Tensor:
        """The class whose mean is nearest to each feature, shape (n,)."""
        with torch.autocast(features.device.type, enabled=False):
            return (features @ self.means.t() - 0.5 * self.means.square().sum(1)).argmax(1)

    def summary(self, head: Tensor) -> Tensor:
        """What `Collapse.of` needs, as one vector on the device.

        Args:
            head: Weights of the last layer, shape (C, d).
        """
        with torch.autocast(head.device.type, enabled=False):
            away = self.means - self.means.mean(0)
            products = away @ away.t()
            scatter = away @ (self.within / self.counts.sum().clamp_min(1.0)) @ away.t()
            weights = head.detach().float()
            sizes = torch.linalg.vector_norm(weights) * torch.linalg.vector_norm(away)
            apart = 2.0 - 2.0 * (weights * away).sum() / sizes
            return torch.cat([products.reshape(-1), scatter.reshape(-1), self.counts, apart.reshape(1)])


@dataclass(frozen=True, slots=True)
class Collapse:
    """Readings that fall to zero as a classifier collapses, and how many examples the rarest class had.

    within: NC1, Tr(Σ_W Σ_B⁺)/C. lengths: of NC2, standard deviation over mean of ‖μ_c - μ_G‖. angles: of NC2, mean
    |cos + 1/(C - 1)| over pairs. head: NC3, ‖W/‖W‖_F - M/‖M‖_F‖²_F.
    """

    within: float
    lengths: float
    angles: float
    head: float
    examples: int

    @classmethod
    def of(cls, numbers: Sequence[float], classes: int) -> "Collapse":
        """Read what `Scatter.summary` gave.

        With M the class means around their own mean, Σ_B = MᵀM/C, and with it Tr(Σ_W Σ_B⁺)/C is the trace of
        (MΣ_W Mᵀ)((MMᵀ)⁺)², so nothing larger than classes by classes is taken apart. Of n examples a class the scatter
        within is too small by 1 - 1/n, and the means are farther apart than the true ones by what of it is left in
        them. Source: Papyan, Han, Donoho (2020).

        Args:
            numbers: The vector's.
            classes: C, at least 2.

        Raises:
            ValueError: There are fewer than two classes.

        Example:
            >>> scatter = Scatter(3, 2, torch.device("cpu"))
            >>> corners = torch.tensor([[0.0, 1.0], [0.75**0.5, -0.5], [-(0.75**0.5), -0.5]])
            >>> scatter.add(corners.repeat(2, 1), torch.arange(3).repeat(2), torch.ones(6))
            >>> found = Collapse.of(scatter.summary(corners).tolist(), 3)
            >>> max(found.within, found.lengths, found.angles, abs(found.head)) < 1e-6, found.examples
            (True, 2)
        """
        if classes < 2:
            raise ValueError(f"classes is {classes}; it takes at least 2 to tell their means apart")
        square = classes * classes
        products, scatter = (np.array(numbers[i * square : (i + 1) * square]).reshape(classes, -1) for i in (0, 1))
        counts, head = numbers[2 * square : -1], numbers[-1]
        lengths = np.sqrt(np.diag(products))
        with np.errstate(all="ignore"):  # means that are all one have no angles
            cosines = products / np.outer(lengths, lengths)
            angles = np.abs(cosines[~np.eye(classes, dtype=bool)] + 1 / (classes - 1)).mean()
            spread = lengths.std() / lengths.mean()
        return cls(_trace(scatter, products), float(spread), float(angles), head, int(min(counts)))


def _trace(scatter: Square, products: Square) -> float:
    """Tr(scatter (products⁺)²)."""
    if not (np.isfinite(scatter).all() and np.isfinite(products).all()):
        return float("nan")
    values, vectors = np.linalg.eigh(products)
    used = values > _NOTHING * values[-1]
    along = np.einsum("ik,ij,jk->k", vectors[:, used], scatter, vectors[:, used])
    return float((along / values[used] ** 2).sum()) if used.any() else float("nan")
