"""Whether a loss stands out from those before it, so that it is worth looking at everything now."""

import math

_FADE = 0.02  # weight of the newest loss
_LEAST = 50  # losses before anything can stand out
_FAR = 8.0  # standard deviations


class Startle:
    """Compares each loss with the exponentially weighted mean and deviation of those before it.

    A trigger of measurements, not an alarm: the service judges spikes on the raw series, with robust statistics. A
    loss that stands out counts to the mean only as far as the bound, so that a spike does not hide the next one.
    """

    def __init__(self) -> None:
        """Begin without a loss seen."""
        self._seen = 0
        self._mean = 0.0
        self._square = 0.0  # mean square distance

    def at(self, loss: float) -> bool:
        """Take a loss in; whether it lies eight deviations or more above the mean. Not finite: no."""
        if not math.isfinite(loss):
            return False
        far = _FAR * math.sqrt(self._square)
        stands_out = self._seen >= _LEAST and far > 0 and loss - self._mean > far
        distance = min(loss - self._mean, far) if stands_out else loss - self._mean
        self._seen += 1
        weight = max(_FADE, 1.0 / self._seen)
        self._mean += weight * distance
        self._square = (1.0 - weight) * (self._square + weight * distance * distance)
        return stands_out
