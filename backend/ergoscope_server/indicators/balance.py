"""Does curvature take back all that the slope gains? The newest descent balance, with its error."""

from dataclasses import dataclass

from ergoscope_server.indicators.points import Points

LOW, HIGH = 0.7, 1.3  # what counts as balanced
HALF = 1.96


@dataclass(frozen=True, slots=True)
class Balance:
    """The descent balance R, 1 where the loss can fall no further at this step size, and its standard error."""

    value: float
    error: float
    step: int

    @property
    def low(self) -> float:
        """The lower end of the 95 % interval."""
        return self.value - HALF * self.error

    @property
    def high(self) -> float:
        """The upper end of the 95 % interval."""
        return self.value + HALF * self.error

    @property
    def off(self) -> bool:
        """Say whether the whole interval lies outside 0.7 to 1.3, so that the loss is not held where it is."""
        return self.high < LOW or self.low > HIGH


def balance_now(ratio: Points, error: Points) -> Balance | None:
    """Give the newest balance that is finite, if an error was given with it.

    Args:
        ratio: Readings of `descent_balance` since the last change.
        error: Those of `descent_balance_error`.
    """
    newest = ratio.finite().newest(1)
    if not len(newest):
        return None
    step = int(newest.steps[0])
    given = error.finite().since(step).upto(step)
    return Balance(float(newest.values[0]), float(given.values[0]), step) if len(given) else None
