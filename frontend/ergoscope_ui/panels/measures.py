"""What is measured of steps, and of how far the quadratic picture of the loss holds: a card each.

A measure is a row of a table: the series of a chart and of its errors, the values that it is to be held against, how it
is obtained where the agent says nothing of it, and what is said above it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ergoscope_ui.curve import Curve, from_points
from ergoscope_ui.figures.levels import Level
from ergoscope_ui.panels import curvature as panel
from ergoscope_ui.panels.curvature import Words, joined, newest, said
from ergoscope_ui.panels.term import term
from ergoscope_ui.words import count

Curves = Mapping[str, Curve]
Say = Callable[[Curves, str], Words]
Against = Callable[[Curves, str], tuple[str, Curve] | None]

_PROBE = "the fixed batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A card.

    key: of its series; "/name" is put behind it where it is a block's.
    words: what stands above the chart, of the curves and of "/name".
    error, band: the series of its errors, and what these are; empty without any.
    more: series that only words and lines are made of.
    levels, against: values to hold it against; those that change come with the name of their line.
    holds: values that the axis reaches to in any case.
    decades: whether it has values of many sizes.
    how: how it is obtained, where the agent does not say.
    """

    key: str
    words: Say
    error: str = ""
    band: str = ""
    more: tuple[str, ...] = ()
    levels: tuple[Level, ...] = ()
    against: Against | None = None
    holds: tuple[float, ...] = ()
    decades: bool = False
    how: str = ""

    @property
    def series(self) -> tuple[str, ...]:
        """All that is asked for."""
        return tuple(filter(None, (self.key, self.error, *self.more)))


def _trust(curves: Curves, _part: str) -> Words:
    return panel.averaged("gained of what the slope promised", "trust_ratio", curves)


def _batch(curves: Curves, _part: str) -> Words:
    return panel.averaged("along a batch's own gradient", "batch_sharpness", curves)


def _along(curves: Curves, _part: str) -> Words:
    return said("along the gradient", newest(curves, "dir_sharpness"))


def _threshold(curves: Curves, _part: str) -> tuple[str, Curve] | None:
    """What the optimizer holds, at each step where the sharpness and its share of that are known."""
    size, ratio = curves.get("lambda_max"), curves.get("sharpness_ratio")
    if size is None or ratio is None or not (size.exact and ratio.exact):
        return None
    shares = dict(zip(ratio.last.tolist(), ratio.mean.tolist(), strict=True))
    sizes = zip(size.last.tolist(), size.mean.tolist(), strict=True)
    found = {step: value / shares[step] for step, value in sizes if shares.get(step, 0.0) > 0}
    name = "what the optimizer holds"
    return (name, from_points(size.run, name, list(found), list(found.values()))) if found else None


def _balance(curves: Curves, _part: str) -> Words:
    return joined(
        said("taken back by curvature", newest(curves, "descent_balance")),
        said("steps that point downhill", newest(curves, "descent_fraction")),
    )


def _held(curves: Curves, _part: str) -> Words:
    return said("of what SGD can hold at most", newest(curves, "sgd_trace_ratio"))


def _moved(curves: Curves, _part: str) -> Words:
    curve, words = curves.get("trajectory_kl"), said("moved", newest(curves, "trajectory_kl"))
    if words and curve is not None and curve.exact and curve.size > 1:
        words.append(f" in {count(int(curve.last[-1] - curve.last[-2]))} steps")
    return joined(words, said("softened", newest(curves, "trajectory_kl_soft")))


def _nudged(curves: Curves, _part: str) -> Words:
    return said("rise after a nudge of 0.05", newest(curves, "sam_sharpness"))


def _shared(key: str, *, of: str) -> Measure:
    """What the steepest directions hold of something, over chance; `of` is whose series tell k and chance."""
    size, chance = f"{of}_size", f"{of}_chance"

    def known(curves: Curves, part: str) -> str:
        found = newest(curves, f"{size}{part}")
        return "" if found is None else count(found.value)

    def words(curves: Curves, part: str) -> Words:
        share, k = said("share", newest(curves, f"{key}{part}")), known(curves, part)
        if share and k:
            share += [" in the ", term(f"{k} steepest", size)]
        return joined(share, said("by chance", newest(curves, f"{chance}{part}")))

    def against(curves: Curves, part: str) -> tuple[str, Curve] | None:
        found, k = curves.get(f"{chance}{part}"), known(curves, part)
        return None if found is None else (f"chance, k = {k}" if k else "chance", found)

    return Measure(
        key=key,
        words=words,
        error=f"{key}_error",
        band="standard error",
        more=(size, chance),
        against=against,
        holds=(0.0, 1.0),
    )


def _radius(curves: Curves, part: str) -> Words:
    return joined(
        panel.perhaps_infinite("radius", f"gns_radius{part}", curves),
        panel.perhaps_infinite("in steps", f"gns_radius_steps{part}", curves),
    )


def _sharpness(curves: Curves, part: str) -> tuple[str, Curve] | None:
    found = curves.get(f"lambda_max{part}")
    return None if found is None else ("sharpness, all of it", found)


def _gap(curves: Curves, part: str) -> Words:
    gap = newest(curves, f"ggn_gap{part}", error=f"ggn_gap_residual{part}")
    return joined(said("gap", gap), said("of a sharpness of", newest(curves, f"lambda_max{part}")))


STEPS = (
    Measure(
        key="trust_ratio",
        words=_trust,
        levels=(
            Level(1.0, "1: as the slope promised"),
            Level(0.5, "½: best along the step"),
            Level(0.0, "0: the edge, nothing gained", edge=True),
        ),
        how="on the step's own batch, run again",
    ),
    Measure(
        key="descent_balance",
        words=_balance,
        error="descent_balance_error",
        band="standard error",
        more=("descent_fraction", "descent_fraction_error"),
        levels=(Level(1.0, "1: the loss cannot fall"),),
        holds=(0.0,),
        how=f"on {_PROBE}, before and after steps",
    ),
    Measure(
        key="batch_sharpness",
        words=_batch,
        more=("lambda_max", "sharpness_ratio"),
        against=_threshold,
        holds=(0.0,),
        how="on the step's own batch, run again",
    ),
    Measure(
        key="dir_sharpness", words=_along, more=("lambda_max", "sharpness_ratio"), against=_threshold, holds=(0.0,)
    ),
    Measure(
        key="sgd_trace_ratio",
        words=_held,
        levels=(Level(1.0, "1: more than SGD can hold", edge=True),),
        holds=(0.0,),
        how="of the trace, at the learning rate and examples of a step",
    ),
    Measure(
        key="trajectory_kl",
        words=_moved,
        more=("trajectory_kl_soft",),
        decades=True,
        how=f"on {_PROBE}, against the reading before",
    ),
    Measure(key="sam_sharpness", words=_nudged, holds=(0.0,), how=f"on {_PROBE}, nudged along its gradient"),
)
PICTURE = (
    _shared("top_subspace_overlap", of="top_subspace"),
    _shared("top_subspace_overlap_update", of="top_subspace"),
    _shared("top_subspace_persistence", of="top_subspace_persistence"),
    Measure(
        key="gns_radius_steps",
        words=_radius,
        more=("gns_radius",),
        levels=(Level(1.0, "1: as long as a step"),),
        decades=True,
    ),
    Measure(
        key="ggn_gap",
        words=_gap,
        error="ggn_gap_residual",
        band="residual",
        more=("lambda_max",),
        levels=(Level(0.0, "0: the data fit alone"),),
        against=_sharpness,
    ),
)
ALL = {measure.key: measure for measure in (*STEPS, *PICTURE)}
