"""Everything the indicators say of a run at one step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from ergoscope_server.indicators.advisory import Advisory, advise
from ergoscope_server.indicators.balance import Balance, balance_now
from ergoscope_server.indicators.invariance import UNSEEN, Invariance, Looks, compare
from ergoscope_server.indicators.level import Level, Start, relative_level, vanished, window_level
from ergoscope_server.indicators.plateau import LEAST, LONGEST, PlateauEvidence, reweigh, weigh
from ergoscope_server.indicators.points import NOTHING, Points, spacing
from ergoscope_server.indicators.recipe import Recipe
from ergoscope_server.indicators.robust_z import WINDOW, robust_z
from ergoscope_server.indicators.schedule import drift
from ergoscope_server.indicators.spikes import BLOCK, Spikes, find_spikes
from ergoscope_server.indicators.true_gradient import Peak, TrueGradient, true_gradient

SQUARE, BALANCE, BALANCE_ERROR = "grad_sq_norm_debiased", "descent_balance", "descent_balance_error"
UNKNOWN = Peak()


def _no_layers() -> Mapping[str, Points]:
    return {}


def _no_looks() -> Looks:
    return UNSEEN


def _not_measured(metric: str) -> Points:
    del metric
    return NOTHING


@dataclass(frozen=True, slots=True)
class RunData:
    """The series of a run that the verdict needs, each in step order.

    loss_head, grad_head: the first points of the run, where the others may hold only its newest part.
    resets: steps at which something other than the learning rate changed (a resume, the data), with the kind.
    layers: gives the gradient norms by layer; asked only after a value was not finite.
    sharpness: against the optimizer's threshold.
    update: norm of the optimizer's steps. looks: gives the newest sketches of the weights; asked at each assessment.
    measured: gives any other series by its key, nothing where the run has none; asked at each assessment.
    recipe: the optimizer, where it is known.
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
    measured: Callable[[str], Points] = field(default=_not_measured)
    recipe: Recipe | None = None

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
    true: the gradient of the stretch without the noise of batches, None where it was taken too rarely; balance: of what
    the slope gains and curvature takes back.
    spikes: jumps of the newest `looked` losses since the last change; None where they are too few.
    left: whether a plateau's loss has another level than before, told with the memory that it had before.
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
    true: TrueGradient | None = None
    balance: Balance | None = None
    spikes: Spikes | None = None
    looked: int = 0
    left: bool = False
    advisory: Advisory | None = None
    invariance: Invariance | None = None

    @property
    def unit(self) -> str:
        """What `have` and `need` count: steps where every step has its loss, else readings."""
        return "steps" if self.stride == 1 else "readings"


def assess(
    data: RunData,
    *,
    step: int,
    reset: int,
    start: Start | None,
    highest: float,
    settled: bool,
    seed: int,
    peak: Peak = UNKNOWN,
    change: int | None = None,
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
        peak: What is remembered of the squared gradient without noise.
        change: First step after the last known change, where the tests begin later; `reset` unless given.
    """
    loss = data.loss.upto(step).finite()
    stride = spacing(loss.steps)
    jumps = _with_jumps(Assessment(step, 0, LEAST, stride), loss, reset if change is None else change)
    loss = loss.since(reset)
    if len(loss) < LEAST:
        return replace(jumps, have=len(loss))
    evidence = (reweigh if settled else weigh)(loss.values, seed=seed, step=stride)
    first = int(loss.steps[-evidence.n])
    found = replace(
        jumps,
        have=evidence.n,
        need=evidence.need,
        window_step=int(loss.steps[-evidence.window]),
        first_step=first,
        evidence=evidence,
        drift=drift(data.lr.upto(step).since(first).finite()),
    )
    if evidence.mean is not None:
        found = _with_beyond(found, data, loss.newest(evidence.n), evidence)
    found = _with_gradient(found, data.grad.upto(step).since(first).finite(), start, highest)
    return _with_true_gradient(found, data, peak)


def _with_jumps(found: Assessment, loss: Points, change: int) -> Assessment:
    """Add how unusual the newest loss is, and the jumps since the last change."""
    recent = robust_z(loss.newest(WINDOW + 1).values)
    looked = loss.since(change).newest(LONGEST)
    spikes = find_spikes(looked.values) if len(looked) >= WINDOW + BLOCK else None
    return replace(found, z=float(recent[-1]) if len(recent) else None, spikes=spikes, looked=len(looked))


def _with_gradient(found: Assessment, grad: Points, start: Start | None, highest: float) -> Assessment:
    level = window_level(grad.values)
    found = replace(found, norms=len(grad))
    if level is None:
        return found
    interval, tau = level
    ratio = relative_level(interval, start, tau=tau) if start else None
    return replace(found, grad=ratio, vanished=highest > 0 and vanished(interval, highest))


def _with_true_gradient(found: Assessment, data: RunData, peak: Peak) -> Assessment:
    """Add the gradient without noise, and the balance; both over the stretch that the tests use."""
    ratio, error, squares = (
        data.measured(key).upto(found.step).since(found.first_step or 0) for key in (BALANCE, BALANCE_ERROR, SQUARE)
    )
    return replace(found, true=true_gradient(squares.finite().values, peak), balance=balance_now(ratio, error))


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
