"""A clock for the store."""

START = 1_790_000_000.0


class Clock:
    """Time that a test turns."""

    now = START

    def __call__(self) -> float:
        return self.now
