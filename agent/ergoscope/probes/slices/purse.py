"""What may be spent on something that was asked for, beside what the schedule plans."""


class Purse:
    """A share of the time that training takes, spent before it is earned, and never saved up.

    Something is bought whenever nothing is owed. It may cost more than a step earns; then nothing more is bought until
    that is paid off. So over time the share is kept, a purchase is never put off that could be paid, and there is no
    rush after a time without one.

    Attributes:
        owed: Seconds that are spent and not earned yet.

    Example:
        >>> purse = Purse(0.5)
        >>> purse.spend(1.0)
        >>> purse.earn(0.8)
        >>> round(purse.owed, 3)
        0.6
    """

    def __init__(self, share: float) -> None:
        """Begin with nothing owed; `share` is of the time that steps take without the agent."""
        self._share = share
        self.owed = 0.0

    def earn(self, trained: float) -> None:
        """Take the share of so many seconds of training."""
        self.owed = max(self.owed - self._share * trained, 0.0)

    def spend(self, seconds: float) -> None:
        """Pay for something that took so long."""
        self.owed += seconds
