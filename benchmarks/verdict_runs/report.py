"""Tables of what the verdict made of the labelled runs."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from benchmarks.verdict_runs.case import HELD_OUT
from benchmarks.verdict_runs.judging import Outcome

STATES = (
    "DESCENDING",
    "PLATEAU-INVARIANT",
    "PLATEAU",
    "DRIFTING",
    "STATIONARY-POINT",
    "WARMUP",
    "UNDECIDED",
)
TRUTHS = ("falling", "creeping", "moving", "stationary", "warming", "rising", "between", "blown")


def report(found: Sequence[Outcome], *, sentences: bool = False) -> str:
    """Give all tables as Markdown: states, flags, labels and single runs, those held out apart."""
    parts = []
    held = [one for one in found if one.seed in HELD_OUT]
    for title, chosen in (("seeds to tune on", [one for one in found if one not in held]), ("held out", held)):
        if chosen:
            parts += [f"## State at the end, {title}\n", _confusion(chosen), _summary(chosen)]
    parts += ["## Flags\n", _flags(found), "## By label\n", _labels(found), "## Single runs\n", _runs(found)]
    if sentences:
        parts += [f"- {one.case} {one.seed}: {one.sentence} ({'; '.join(one.spells)})" for one in found]
    return "\n".join(parts)


def _confusion(found: Sequence[Outcome]) -> str:
    count = Counter((one.truth, one.state) for one in found)
    rows = [
        [truth, *(str(count[truth, state] or "") for state in STATES)]
        for truth in TRUTHS
        if any(count[truth, state] for state in STATES)
    ]
    return _table(["truth", *STATES], rows)


def _summary(found: Sequence[Outcome]) -> str:
    count = Counter(one.right for one in found)
    known = len(found) - count["open"]
    return (
        f"Of {known} runs whose state is known {count['right']} are told right, {count['partly']} in part, "
        f"{count['wrong']} wrong; of {count['open']} it is not known or a flag says it.\n"
    )


def _flags(found: Sequence[Outcome]) -> str:
    def row(name: str, of: Callable[[Outcome], str], words: Sequence[str]) -> list[str]:
        count = Counter(of(one) for one in found)
        return [name, *(str(count[word]) for word in words)]

    heads = ["flag", "told", "missed", "false alarm", "rightly silent"]
    alarms = row("NONFINITE or DIVERGING", lambda one: one.alarm, ("caught", "missed", "false alarm", "quiet"))
    edges = row("EDGE, where it was looked at", lambda one: one.at_edge, ("told", "missed", "false alarm", "quiet"))
    return _table(heads, [alarms, edges])


def _labels(found: Sequence[Outcome]) -> str:
    rows = []
    for label in dict.fromkeys(one.label for one in found):
        own = [one for one in found if one.label == label]
        right, alarm, edge = (Counter(of) for of in zip(*((o.right, o.alarm, o.at_edge) for o in own), strict=True))
        told = ", ".join(f"{state} {n}" for state, n in Counter(one.state for one in own).most_common())
        flags = alarm["false alarm"] + alarm["missed"] + edge["false alarm"] + edge["missed"]
        counts = [str(right[word]) for word in ("right", "partly", "wrong", "open")]
        rows.append([label, str(len(own)), *counts, str(flags), told])
    return _table(["label", "runs", "right", "in part", "wrong", "open", "wrong flags", "states"], rows)


def _runs(found: Iterable[Outcome]) -> str:
    rows = [
        [
            one.case,
            str(one.seed),
            one.label,
            one.truth,
            one.state,
            one.right,
            ", ".join(one.flags),
            ", ".join(word for word in (one.alarm, one.at_edge) if word not in ("quiet", "open")),
        ]
        for one in found
    ]
    return _table(["run", "seed", "label", "truth", "state", "", "flags", ""], rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---" for _ in heads], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
