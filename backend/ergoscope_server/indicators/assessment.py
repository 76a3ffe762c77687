"""Everything the indicators say of a run at one step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from ergoscope_server.indicators.advisory import Advisory, advise
from ergoscope_server.indicators.invariance import UNSEEN, Invariance, Looks, compare
from ergoscope_server.indicators.level import Level, Start, relative_level, vanished, window_level
from ergoscope_server.indicators.plateau import LEAST, PlateauEvidence, reweigh, weigh
from ergoscope_server.indicators.points import NOTHING, Points, spacing
from ergoscope_server.indicators.robust_z import robust_z
from ergoscope_server.indicators.schedule import drift


def _no_layers() -> Mapping[str, Points]:
    return {}


def _no_looks() -> Looks:
    return UNSEEN


@dataclass(frozen=True, slots=True)
class RunData:
    """The series of a run that the verdict needs, each in step order.

    loss_head, grad_head: the first points of the run, where the others may hold only its newest part.
    resets: steps at which something other than the learning rate changed (a resume, the data), with the kind.
    layers: gives the gradient norms by layer; asked only after a value was not finite.
    sharpness: against the optimizer's threshold.
    update: norm of the optimizer's steps. looks: gives the newest sketches of the weights; asked at each assessment.
    """

    loss: Points = NOTHING
    grad: Points = NOTHING
    lr: Points = NOTHING
    loss_head: Points = NOTHING
    grad_head: Points = NOTHING
    resets: tuple[tuple[int, str], ...] = ()
    layers: Callable[[], Mapping[str, Points]] = field(default=_no_layers)
    sharpness: Points = NOTHING
    update: Points = NOTHING
    looks: Callable[[], Looks] = field(default=_no_looks)

    @property
    def newest(self) -> int | None:
        """The newest step of any of the series."""
        ends = [int(p.steps[-1]) for p in (self.loss, self.grad) if len(p)]
        return max(ends) if ends else None

    def upto(self, step: int) -> "RunData":
        """Give the run as it was at `step`."""
        return replace(
            self,
            loss=self.loss.upto(step),
            grad=self.grad.upto(step),
            lr=self.lr.upto(step),
            sharpness=self.sharpness.upto(step),
            update=self.update.upto(step),
        )


@dataclass(frozen=True, slots=True)
class Assessment:
    """The tests' answers at `step`, over what was logged since step `reset`.

    have, need: points there are and points the longest test asks for; stride: steps between two points.
    window_step, first_step: first step of the window, and of the stretch of it that the tests use.
    drift: relative change of the learning rate over that stretch.
    norms: gradient norms there are in the same stretch, fewer than losses where they are taken more rarely.
    grad, vanished: their mean against its start, and whether it is small against its highest.
    advisory, invariance: what decides nothing, and which observables are steady; None where the stretch is too short.
    """

    step: int
    have: int
    need: int
    stride: int = 1
    window_step: int | None = None
    first_step: int | None = None
    evidence: PlateauEvidence | None = None
    z: float | None = None
    norms: int = 0
    grad: Level | None = None
    vanished: bool = False
    drift: float = 0.0
    advisory: Advisory | None = None
    invariance: Invariance | None = None

    @property
    def unit(self) -> str:
        """What `have` and `need` count: steps where every step has its loss, else readings."""
        return "steps" if self.stride == 1 else "readings"


def assess(
    data: RunData, *, step: int, reset: int, start: Start | None, highest: float, settled: bool, seed: int
) -> Assessment:
    """Put the run up to `step` to all tests.

    Args:
        data: The run's series; points after `step` are ignored.
        step: The step to judge at.
        reset: First step after the last known change.
        start: Level of the gradient norm at the start of the run.
        highest: Highest smoothed gradient norm of the run so far.
        settled: Whether the run counts as settled since `reset`; then that stretch is tested whole.
        seed: Repeats the permutations.
    """
    loss = data.loss.upto(step).finite()
    stride = spacing(loss.steps)
    recent = robust_z(loss.newest(1000).values)
    z = float(recent[-1]) if len(recent) else None
    loss = loss.since(reset)
    if len(loss) < LEAST:
        return Assessment(step, len(loss), LEAST, stride, z=z)
    evidence = (reweigh if settled else weigh)(loss.values, seed=seed, step=stride)
    first = int(loss.steps[-evidence.n])
    found = Assessment(
        step,
        evidence.n,
        evidence.need,
        stride,
        int(loss.steps[-evidence.window]),
        first,
        evidence,
        z,
        drift=drift(data.lr.upto(step).since(first).finite()),
    )
    if evidence.mean is not None:
        found = _with_beyond(found, data, loss.newest(evidence.n), evidence)
    return _with_gradient(found, data.grad.upto(step).since(first).finite(), start, highest)


def _with_gradient(found: Assessment, grad: Points, start: Start | None, highest: float) -> Assessment:
    level = window_level(grad.values)
    found = replace(found, norms=len(grad))
    if level is None:
        return found
    interval, tau = level
    ratio = relative_level(interval, start, tau=tau) if start else None
    return replace(found, grad=ratio, vanished=highest > 0 and vanished(interval, highest))


def _with_beyond(found: Assessment, data: RunData, kept: Points, evidence: PlateauEvidence) -> Assessment:
    """Add what the verdict does not rest on, over the stretch that its tests use."""
    first = int(kept.steps[0])
    norms = [series.upto(found.step).since(first) for series in (data.grad, data.update)]
    looks = data.looks().upto(found.step).since(first)
    tau = evidence.correlation.tau
    return replace(
        found,
        advisory=advise(kept.values, tau=tau),
        invariance=compare(kept.values, tau=evidence.trend.tau if evidence.trend else tau, norms=norms, looks=looks),
    )
