"""Readings of whether a run stays on its road: steps against what they promise, edges, spikes, Adam's lag."""

from collections.abc import Callable

from ergoscope_contract.answers import Reading
from ergoscope_server.indicators.assessment import BALANCE, BALANCE_ERROR, Assessment
from ergoscope_server.indicators.gathered import NEVER, absent, all_averaged, averaged, newest
from ergoscope_server.indicators.numerals import count, plain
from ergoscope_server.indicators.points import Points
from ergoscope_server.indicators.recipe import Recipe
from ergoscope_server.indicators.robust_z import WINDOW
from ergoscope_server.indicators.turning import TURNS, turn_reading

PRODUCES = ("batch_sharpness_ratio",)
FRACTION, TRACE, BATCH = "descent_fraction", "sgd_trace_ratio", "batch_sharpness"
EVENTS = 64  # newest readings of single steps that an average is taken over
SINGLE = {
    "trust_ratio": "1 as promised, 0 at the edge, below it steps raise their own batch's loss",
    "dir_sharpness": "",
    "opposing_share": "",
    "opposing_flip": "−1 is strict alternation",
    "adam_update_rms": "above 1 the second moment lags behind a growing gradient",
}
STABILITY = (
    *SINGLE,
    BALANCE,
    FRACTION,
    BATCH,
    "batch_sharpness_ratio",
    TRACE,
    "angular_update_ratio",
    "spike_count",
    "catapult_count",
)
_PARTNERS = (BALANCE_ERROR, f"{FRACTION}_error")


def stability_readings(
    found: Assessment, measured: Callable[[str], Points], *, since: int, recipe: Recipe | None, rate: float | None
) -> list[Reading]:
    """Give the readings since the last change; what there is no value for says why.

    Args:
        found: The assessment they go with.
        measured: Gives series by their keys.
        since: First step after the last known change.
        recipe: The optimizer, where it is known.
        rate: The learning rate now.
    """
    at = found.step
    known = {name: measured(name).upto(at) for name in (*SINGLE, BALANCE, FRACTION, BATCH, TRACE, *_PARTNERS)}
    recent = {name: series.newest(EVENTS) for name, series in known.items()}
    return [
        *all_averaged(SINGLE, recent, since=since, step=at),
        newest(BALANCE, known[BALANCE], since=since, step=at, told="20 to 40 steps", errors=known[BALANCE_ERROR]),
        newest(
            FRACTION, known[FRACTION], since=since, step=at, told="20 to 40 steps", errors=known[f"{FRACTION}_error"]
        ),
        averaged(BATCH, recent[BATCH], since=since, step=at, told=""),
        _against_edge(recent[BATCH], since, at, recipe, rate),
        newest(TRACE, known[TRACE], since=since, step=at, told="necessary near interpolation, no edge"),
        turn_reading(measured(TURNS).upto(at).newest(EVENTS), since=since, step=at, recipe=recipe, rate=rate),
        *_spikes(found),
    ]


def _against_edge(sharp: Points, since: int, step: int, recipe: Recipe | None, rate: float | None) -> Reading:
    """Give batch sharpness over 2/η, beside where it is seen to hover, as far as that is known."""
    name = "batch_sharpness_ratio"
    if not len(sharp.since(since)):
        return absent(name, sharp, since=since, step=step)
    if recipe is None or recipe.name != "SGD" or not rate:
        return Reading(name, absent="its edge is only known of SGD, and needs the learning rate", step=step)
    band = "hovers at 1 at the edge"
    if recipe.held is None:
        band = "where it hovers with Nesterov's momentum or dampening is not known"
    elif recipe.momentum:
        ends = f"between {plain(2 - recipe.held)}, of small batches, and {plain(recipe.held)}, of large ones"
        band = f"with momentum seen {ends}; of the edge only the upper end tells"
    return averaged(name, Points(sharp.steps, sharp.values * rate / 2), since=since, step=step, told=band)


def _spikes(found: Assessment) -> tuple[Reading, Reading]:
    names = "spike_count", "catapult_count"
    spikes = found.spikes
    if spikes is None:
        why = f"needs {count(WINDOW + 50)} losses since the last change" if found.have else NEVER
        return Reading(names[0], absent=why, step=found.step), Reading(names[1], absent=why, step=found.step)
    over = f"over {count(found.looked)} {found.unit}"
    waits = f"; {spikes.open} not yet decided" if spikes.open else ""
    return (
        Reading(names[0], float(len(spikes.starts)), step=found.step, how=f"z above 8, or above 5 twice, {over}"),
        Reading(
            names[1], float(spikes.recovered), step=found.step, how=f"spikes back at their level in 200{waits}, {over}"
        ),
    )
