"""What a round of draws says of a Hessian, as the numbers and the record that are published."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch.optim import Optimizer

from ergoscope.curvature.blocks import Block
from ergoscope.curvature.density import pooled
from ergoscope.curvature.draw import Drawn
from ergoscope.curvature.ladder import How
from ergoscope.curvature.overlap import Steepest, overlap_of, persistence_of
from ergoscope.curvature.rounds import Round, Rounds
from ergoscope.curvature.spectrum import Shape, shape_of, sums_of
from ergoscope.findings import Findings
from ergoscope.probes.vantage.opening import Label, Opening
from ergoscope_contract.records import Spectrum

_ROUNDING = 1e-6  # of a product, as a share of the largest eigenvalue
_DIFFERENCE = 1e-3  # and of a difference of gradients


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What of an opening is still of use when its graph is gone."""

    block: Block
    label: Label
    fixed: bool
    steps: int
    optimizer: Optimizer | None

    @classmethod
    def of(cls, opening: Opening, rounds: Rounds) -> "View":
        """What is seen through an opening, `rounds` being what is made of it."""
        return cls(opening.block, opening.label, opening.fixed, rounds.steps, opening.optimizer)

    @property
    def how(self) -> str:
        """How products were obtained, and on which batch."""
        return f"{self.label.how}, on {self.label.batch}"

    @property
    def rounding(self) -> float:
        """Of a product, as a share of the largest eigenvalue."""
        return _DIFFERENCE if self.label.how is How.DIFFERENCE else _ROUNDING

    def made_of(self, found: Round) -> str:
        """Of how many draws of how many products a round is."""
        each = f"{self.steps} product{'s' * (self.steps > 1)} each{'' if self.fixed else ', of as many batches'}"
        return f"{len(found.draws)} draws of {each}"


def publish(found: Round, view: View, findings: Findings, *, most: int | None, before: Steepest | None) -> None:
    """Add what a round says to the findings of its last step.

    Args:
        found: The round.
        view: What it was taken of.
        findings: Get numbers, and where draws have several products a record.
        most: Steepest directions, at most; None leaves it to what is resolved.
        before: The steepest directions of the round before; None when there was none.
    """
    name = f"/{view.block.name}" if view.block.name else ""
    sums = sums_of(found.draws, view.block.size)
    numbers = {
        "hess_trace": sums.trace.value,
        "hess_trace_error": sums.trace.error,
        "hess_fro": sums.size.value,
        "hess_fro_error": sums.size.error,
    }
    if view.steps > 1:
        numbers |= _numbers_of(shape_of(found.draws, rounding=view.rounding))
        numbers |= _shares_of(found.draws, view.block.size, most=most, before=before)
        nodes, weights, residuals = (p.astype("<f8").tobytes() for p in pooled([d.run for d in found.draws]))
        how = f"{view.how}; {view.made_of(found)}{_moves(found)}, since step {found.since}"
        findings.records.append(
            Spectrum(f"spectral_density{name}", findings.step, nodes, weights, residuals=residuals, how=how)
        )
    findings.scalars.update({f"{key}{name}": number for key, number in numbers.items() if math.isfinite(number)})


def _moves(found: Round) -> str:
    """How far the weights moved between the looks of a draw; nothing where they stood still."""
    most = max(drawn.moved for drawn in found.draws)
    return f", within which the weights moved by up to {100 * most:.2g} %" if most > 0 else ""


def _numbers_of(shape: Shape) -> dict[str, float]:
    return {
        "outlier_count": shape.outliers.count,
        "outliers_unresolved": shape.outliers.unresolved,
        "neg_curv_mass": shape.negative.value,
        "neg_curv_mass_error": shape.negative.error,
        "neg_curv_mass_low": shape.negative.low,
        "neg_curv_mass_high": shape.negative.high,
        "lla_re": shape.ratio.value,
        "lla_re_error": shape.ratio.error,
        "lla_kh": shape.weighted.value,
        "lla_kh_error": shape.weighted.error,
    }


def _shares_of(draws: Sequence[Drawn], size: int, *, most: int | None, before: Steepest | None) -> dict[str, float]:
    slope = overlap_of(draws, [draw.slope for draw in draws], size, most=most)
    update = overlap_of(draws, [draw.step for draw in draws], size, most=most)
    stayed = None if before is None else persistence_of(before, draws, size, most=most)
    numbers: dict[str, float] = {}
    for key, one in (
        ("top_subspace_overlap", slope),
        ("top_subspace_overlap_update", update),
        ("top_subspace_persistence", stayed),
    ):
        if one is not None:
            numbers |= {key: one.share.value, f"{key}_error": one.share.error}
    for key, one in (("top_subspace", slope or update), ("top_subspace_persistence", stayed)):
        if one is not None:
            numbers |= {f"{key}_chance": one.chance, f"{key}_size": one.count}
    return numbers
