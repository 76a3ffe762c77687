"""What a probe's readings over a stretch come to: their mean with an interval, or the newest of a running mean."""

from collections.abc import Mapping

from ergoscope_contract.answers import Reading
from ergoscope_server.indicators.few import FEWEST, mean_of_few
from ergoscope_server.indicators.numerals import count
from ergoscope_server.indicators.points import Points

NEVER = "no value has come from this run"


def absent(name: str, series: Points, *, since: int, step: int) -> Reading:
    """Say that there is none: none has ever come, or none in the stretch."""
    why = f"no reading since step {count(since)}" if len(series.upto(step)) else NEVER
    return Reading(name, absent=why, step=step)


def averaged(name: str, series: Points, *, since: int, step: int, told: str) -> Reading:
    """Give the mean of the readings from `since` to `step`, each of one step, with a 95 % interval.

    Args:
        name: The quantity.
        series: Its readings.
        since: First step of the stretch.
        step: The step to judge at.
        told: What is added about it, "" for nothing.
    """
    kept = series.upto(step).since(since).finite()
    if not len(kept):
        return absent(name, series, since=since, step=step)
    few = mean_of_few(kept.values)
    at = int(kept.steps[-1])
    tail = f"; {told}" if told else ""
    if few is None:
        how = f"mean of {len(kept)}; from {FEWEST} on there is an interval{tail}"
        return Reading(name, float(kept.values.mean()), n=float(len(kept)), step=at, how=how)
    half = few.half()
    how = f"mean of {count(few.n)} readings, batch means, 95 %{tail}"
    return Reading(name, few.mean, few.mean - half, few.mean + half, float(few.n), at, how)


def newest(name: str, series: Points, *, since: int, step: int, told: str, errors: Points | None = None) -> Reading:
    """Give the newest reading of the stretch, where each is a running mean already.

    Args:
        name: The quantity.
        series: Its readings.
        since: First step of the stretch.
        step: The step to judge at.
        told: What it is a mean of.
        errors: Standard errors that came with the readings, where there are any.
    """
    kept = series.upto(step).since(since).finite().newest(1)
    if not len(kept):
        return absent(name, series, since=since, step=step)
    at, value = int(kept.steps[0]), float(kept.values[0])
    given = None if errors is None else errors.finite().since(at).upto(at)
    if given is None or not len(given):
        return Reading(name, value, step=at, how=told)
    half = 1.96 * float(given.values[0])
    return Reading(name, value, value - half, value + half, step=at, how=f"{told}, 95 %")


def all_averaged(names: Mapping[str, str], series: Mapping[str, Points], *, since: int, step: int) -> list[Reading]:
    """Give `averaged` of several, each with what is told of it."""
    return [averaged(name, series[name], since=since, step=step, told=told) for name, told in names.items()]


def all_newest(names: Mapping[str, str], series: Mapping[str, Points], *, since: int, step: int) -> list[Reading]:
    """Give `newest` of several, each with what it is a mean of."""
    return [newest(name, series[name], since=since, step=step, told=told) for name, told in names.items()]
