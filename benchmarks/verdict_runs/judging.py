"""Holding a verdict against what is known of the run."""

from dataclasses import dataclass

from benchmarks.verdict_runs.record import Recording
from ergoscope_contract.answers import Verdict
from ergoscope_server.history.chronicle import Chronicle, verdict
from ergoscope_server.history.load import load
from ergoscope_server.history.play import play

FLAGS = ("NONFINITE", "DIVERGING", "EDGE")
# Which states are right where the truth is known. A plateau without more is right of a settled run, but says less.
RIGHT = {
    "warming": ("WARMUP",),
    "falling": ("DESCENDING",),
    "stationary": ("STATIONARY-POINT",),
    "moving": ("PLATEAU-INVARIANT", "DRIFTING"),
    "creeping": ("DESCENDING", "DRIFTING"),
}
PARTLY = {"stationary": ("PLATEAU",), "moving": ("PLATEAU",), "creeping": ("PLATEAU",)}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run's label and truth, and what was said of it: the state at its end, flags ever raised, and the sentence."""

    case: str
    label: str
    seed: int
    truth: str
    blown: bool
    edge: str
    state: str
    flags: tuple[str, ...]
    sentence: str
    spells: tuple[str, ...]

    @property
    def right(self) -> str:
        """Say "right", "partly", "wrong", or "open" where the truth does not decide or a flag says it all."""
        if self.truth not in RIGHT:
            return "open"
        if self.state in RIGHT[self.truth]:
            return "right"
        return "partly" if self.state in PARTLY.get(self.truth, ()) else "wrong"

    @property
    def alarm(self) -> str:
        """Say whether a run that blew up was flagged, and no other; of a loss that rises to its end either is right."""
        raised = bool({"NONFINITE", "DIVERGING"} & set(self.flags))
        if self.truth == "rising":
            return "open"
        return ("caught" if raised else "missed") if self.blown else "false alarm" if raised else "quiet"

    @property
    def at_edge(self) -> str:
        """Say whether the edge was told where the run was at it, and only there."""
        if self.edge not in ("at it", "off it"):
            return "open"
        raised = "EDGE" in self.flags
        return ("told" if raised else "missed") if self.edge == "at it" else "false alarm" if raised else "quiet"


def judge(recording: Recording) -> Verdict:
    """Give the verdict as the service would at the run's end."""
    newest = max(int(line.steps[-1]) for line in recording.series.values())
    data = load(recording, "run", Chronicle(), last_step=newest)
    played = play(Chronicle(), data, run="run", now=0.0, final=True)
    return verdict(played.chronicle, run="run", newest=newest)


def outcome(recording: Recording) -> Outcome:
    """Judge a run and hold that against the truth."""
    told, about = judge(recording), recording.about
    truth = about["truth"]
    assert isinstance(truth, dict)
    ever = {spell.state for spell in told.spells} | set(told.flags)
    return Outcome(
        case=str(about["case"]),
        label=str(about["label"]),
        seed=int(str(about["seed"])),
        truth=str(truth["state"]),
        blown=bool(truth["blown"]),
        edge=str(truth["edge"]),
        state=told.state,
        flags=tuple(flag for flag in FLAGS if flag in ever),
        sentence=told.sentence,
        spells=tuple(f"{spell.state} {spell.first}-{spell.last}" for spell in told.spells),
    )
