"""Finding a reading in a verdict and writing it."""

from ergoscope_contract.answers import Reading, Verdict
from ergoscope_ui.words import with_error


def find(verdict: Verdict, name: str) -> Reading | None:
    """The reading with that catalogue id that has a value; None otherwise."""
    found = next((reading for reading in verdict.readings if reading.id == name), None)
    return found if found is not None and found.value is not None else None


def why_absent(verdict: Verdict, name: str) -> str:
    """Why a reading has no value, in the verdict's own words; empty when it does not say."""
    found = next((reading for reading in verdict.readings if reading.id == name), None)
    return found.absent if found is not None else ""


def half_width(reading: Reading) -> float | None:
    """Half the width of a reading's interval; None when it has none."""
    if reading.low is None or reading.high is None:
        return None
    return (reading.high - reading.low) / 2


def written(reading: Reading) -> str:
    """The value with its error."""
    return with_error(reading.value, half_width(reading))


def not_judged(verdict: Verdict) -> str:
    """Why there is no number when the verdict itself does not say."""
    return "nothing has been judged yet" if verdict.step == 0 else "it has not been measured"
