"""Readings of the whole course of a run: where its loss changed, and how it left its start."""

from collections.abc import Sequence

from ergoscope_contract.answers import Reading
from ergoscope_server.indicators.assessment import Assessment, RunData
from ergoscope_server.indicators.change_points import change_points
from ergoscope_server.indicators.gathered import NEVER
from ergoscope_server.indicators.log_time import growth
from ergoscope_server.indicators.numerals import count, plain
from ergoscope_server.indicators.plateau import LONGEST

COURSE = ("change_point", "log_time_slope")
DISTANCE = "dist_from_init"


def course_readings(found: Assessment, data: RunData, *, changes: Sequence[int]) -> list[Reading]:
    """Give both; what there is no value for says why.

    Args:
        found: The assessment they go with.
        data: The run's series.
        changes: First steps after the changes that are known: of the learning rate, resumes, of the data.
    """
    return [_changed(found, data, changes), _left(found, data, changes)]


def _changed(found: Assessment, data: RunData, changes: Sequence[int]) -> Reading:
    name = COURSE[0]
    if found.evidence is None:
        return Reading(name, absent="needs the memory of the loss, which is not known yet", step=found.step)
    loss = data.loss.upto(found.step).finite().newest(LONGEST)
    known = loss.steps.searchsorted([step for step in changes if step > loss.steps[0]])
    places = change_points(loss.values, tau=found.evidence.correlation.tau, known=known.tolist())
    over = f"over {count(len(loss))} {found.unit}, beside {len(known)} known ones"
    if not places:
        return Reading(name, absent=f"none beyond chance {over}", step=found.step)
    how = f"newest of {len(places)} changes of level or slope {over}; penalty 2σ² log n"
    return Reading(name, float(loss.steps[places[-1]]), n=float(len(places)), step=found.step, how=how)


def _left(found: Assessment, data: RunData, changes: Sequence[int]) -> Reading:
    name = COURSE[1]
    series = data.measured(DISTANCE).upto(found.step)
    if not len(series):
        return Reading(name, absent=f"the distance from the start is not known: {NEVER}", step=found.step)
    series = series.upto(min(changes, default=found.step + 1) - 1)
    fitted = growth(series)
    if fitted is None:
        why = "needs 16 distances from step 10 on, before the first change, over a factor of ten in time"
        return Reading(name, absent=why, step=found.step)
    better = "the logarithm" if fitted.lead < 0 else f"a power of {plain(fitted.power, digits=2)}"
    how = f"least squares on log t, 95 %; {better} fits better, ΔAIC {plain(fitted.lead, digits=2)}"
    half = 1.96 * fitted.error
    ends = fitted.slope - half, fitted.slope + half
    return Reading(name, fitted.slope, *ends, float(fitted.n), int(series.steps[-1]), how)
