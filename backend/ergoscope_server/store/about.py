"""Who a run is when several attempts, or one several times, have described it."""

from msgspec.structs import replace

from ergoscope_contract.records import Run


def merged(known: Run, told: Run, *, newer: bool) -> Run:
    """Bring a run's description together with one more.

    The run was created when its first attempt was. Settings are kept by name: those of the newer description win, and
    what only the other one has stays. Tags, group, job type and notes that the newer one leaves empty stay as well, and
    so do name and project where the newer ones are presumed. What a run was forked from is said once, when it begins.

    Args:
        known: What is known of it.
        told: What one more batch says of it.
        newer: Whether that batch is of the newest attempt; if not, it arrived late.

    Example:
        >>> first = Run("r", "p", "n", 100.0, config={"lr": 0.1, "seed": 0}, notes="why")
        >>> both = merged(first, Run("r", "p", "n", 200.0, config={"lr": 0.01}), newer=True)
        >>> both.created, both.config, both.notes
        (100.0, {'lr': 0.01, 'seed': 0}, 'why')
    """
    late, early = (told, known) if newer else (known, told)
    presumed = set(late.presumed)
    return replace(
        late,
        project=(early if "project" in presumed else late).project,
        name=(early if "name" in presumed else late).name,
        presumed=sorted(presumed.intersection(early.presumed)),
        created=min(known.created, told.created),
        fork=early.fork or late.fork,
        config={**early.config, **late.config},
        tags=late.tags or early.tags,
        group=late.group or early.group,
        job_type=late.job_type or early.job_type,
        notes=late.notes or early.notes,
    )
