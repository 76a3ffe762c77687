"""What the rules see of a loss that has settled, after a run was judged, and what they say: once a plateau.

A plateau is new when its onset lies behind the last step at which the one before was seen, and always after a change. A
doubt of some looks, or a fall that the loss came back from, makes none; nor does counting as settled in another way.
"""

from msgspec.structs import replace

from ergoscope_contract.answers import Alert, Reading
from ergoscope_server.alerts.engine import advance, close
from ergoscope_server.alerts.notices import FALSE_CONVERGENCE, INVARIANCE_BROKEN, PLATEAU
from ergoscope_server.alerts.rule import Facts, Rule, Settled
from ergoscope_server.history.chronicle import Chronicle, Plateau
from ergoscope_server.history.due import FEWEST
from ergoscope_server.history.flags import with_marks
from ergoscope_server.indicators.verdict import SETTLED

OF_A_PLATEAU = PLATEAU, FALSE_CONVERGENCE, INVARIANCE_BROKEN
OF_A_RUN = PLATEAU, FALSE_CONVERGENCE  # what is no alarm and ends with the run


def give_notices(
    chronicle: Chronicle, step: int, *, before: Chronicle, run: str, now: float, rules: tuple[Rule, ...]
) -> tuple[Chronicle, list[Alert]]:
    """Show the rules what the judgement at `step` says of a settled loss; end what was said of one that is over.

    Args:
        chronicle: The history with the newest judgement.
        step: The newest step played.
        before: The history before this beat.
        run: The run's id.
        now: Unix seconds, the time that alerts get.
        rules: The rules that are on.
    """
    fresh = chronicle.judged == step and (before.judged < 0 or step - before.judged >= FEWEST * chronicle.stride)
    known = chronicle.plateau
    now_is = _plateau(chronicle, step)
    new = now_is is not None and (known is None or now_is.first > known.last)
    told: list[Alert] = []
    if now_is is None or now_is.over or new:
        # Of a loss that left its level the warning stands until it has settled again.
        over = OF_A_RUN if now_is is None and chronicle.cause == "level" else OF_A_PLATEAU
        states, told = close(chronicle.rules, over, now=now, at=step)
        chronicle = replace(chronicle, rules=states)
    chronicle = replace(chronicle, plateau=now_is)
    if now_is is None or now_is.over or not fresh:
        return chronicle, told
    other = known is not None and now_is.state != known.state and chronicle.firing(PLATEAU) is not None
    facts = Facts(now=now, step=step, settled=_settled(chronicle, now_is, news=new or other))
    states, more = advance(rules, chronicle.rules, facts, run=run)
    return replace(with_marks(chronicle, more, step, rules=rules), rules=states), [*told, *more]


def _plateau(chronicle: Chronicle, step: int) -> Plateau | None:
    """Give the plateau that the run is on, or that it was on last since the last change."""
    standing, known = chronicle.standing, chronicle.plateau
    if chronicle.flag is not None or standing.state == "DESCENDING":
        return known and replace(known, over=True)
    if standing.state not in SETTLED:
        return known
    since = step if standing.since is None else standing.since
    if known is None or since > known.last:
        return Plateau(standing.state, since, step)
    return replace(known, state=standing.state, last=step, over=False)


def _settled(chronicle: Chronicle, plateau: Plateau, *, news: bool) -> Settled:
    known = {reading.id: reading for reading in chronicle.readings if reading.value is not None}
    gradient = known.get("grad_debiased_level") or known.get("grad_norm_level")
    tested = chronicle.tested
    return Settled(
        chronicle.standing.state,
        plateau.first,
        news=news,
        loss=known.get("loss_mean_ci"),
        gradient=gradient,
        balance=_since(known.get("descent_balance"), plateau.first),
        slope=known.get("loss_slope"),
        falls=tested is not None and tested.falls,
        parted=None if tested is None else tested.parted,
        means=None if tested is None else tested.means,
    )


def _since(reading: Reading | None, step: int) -> Reading | None:
    """Give a reading unless it is older than the plateau."""
    return reading if reading is not None and (reading.step or 0) >= step else None
