"""Which of a job's own functions have second derivatives that can be believed."""

from ergoscope.curvature.ladder import How, agrees


class Trust:
    """What was found out so far.

    Attributes:
        functions: Names of those whose products agree with differences of gradients.
        differences: Whether some do not, so that differences are taken instead.
    """

    def __init__(self) -> None:
        """Begin without a finding."""
        self.functions: frozenset[str] = frozenset()
        self.differences = False

    def judge(self, custom: frozenset[str], doubt: float) -> How | None:
        """Say what products through functions of the job's own may be called; None when they are wrong.

        Args:
            custom: Their names.
            doubt: How far the products were from differences of gradients, no dimensions.
        """
        if agrees(doubt):
            self.functions |= custom
            return How.EXACT
        self.differences = True
        return None
