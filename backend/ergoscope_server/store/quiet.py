"""When a sender counts as silent: after ten seconds, or four of its usual gaps where that is longer."""

QUIET_S = 10.0  # a sender gives a sign of life every few seconds
QUIET_GAPS = 4.0
USUAL_GAP_S = 60.0  # no sender is expected to be rarer than this
LATE_S = 60.0  # the ranks of a job begin together; one of which nothing came by then is called never seen


def patience(gap: float) -> float:
    """Give the seconds after which a sender is silent.

    Args:
        gap: Its usual gap, s, as `usual_gap` keeps it.

    Example:
        >>> patience(1.8), patience(30.0)
        (10.0, 120.0)
    """
    return max(QUIET_S, QUIET_GAPS * gap)


def usual_gap(gap: float, pause: float) -> float:
    """Take a pause between two batches into the usual gap: the longest of late, forgotten by a tenth a batch.

    Args:
        gap: The usual gap until now, s.
        pause: Seconds from the batch before; what is below zero, as after a clock was set back, counts as none.
    """
    return max(0.9 * gap, min(max(pause, 0.0), USUAL_GAP_S))
