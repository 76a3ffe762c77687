"""How much of a step's gradient is slope and how much is noise of the batch."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar, cast

from torch import Tensor, distributed, nn

from ergoscope.coordinates import DECAY, Coordinates
from ergoscope.findings import Findings
from ergoscope.hearing.clipping import Clips, Cuts
from ergoscope.hearing.pieces import Heard, Pieces, See
from ergoscope.layers import Moment
from ergoscope.numerics.debias import Level, Split, split_by_parts, split_by_running_mean
from ergoscope.numerics.norms import norms_of
from ergoscope.numerics.scaling import find_scale
from ergoscope.probes.probe import Reading
from ergoscope.shards import seat

_CLEAR = 2.0  # standard errors that the slope must be above zero before anything is divided by it


@dataclass(frozen=True, slots=True)
class Company:
    """What the noise probes of one job share.

    processes: how many average their gradients, 0 when that is not known.
    examples: in one backward pass of one process, None when not told.
    probes: one an optimizer; untold: texts for the user.
    """

    processes: int = 1
    examples: int | None = None
    probes: "list[NoiseProbe]" = field(default_factory=list)
    untold: list[str] = field(default_factory=list)


def averaged_over(model: nn.Module) -> int:
    """Over how many processes a model's gradients are averaged; 0 when there are several and nothing says so."""
    for module in model.modules():
        if type(module).__name__ == "DistributedDataParallel":
            group = cast(distributed.ProcessGroup, module.process_group)
            return group.size()
    return 0 if seat().world > 1 else 1


class NoiseProbe:
    """Slope and noise of the gradient that a step used, before clipping.

    By the parts whose mean it is, wherever there are several: the backward passes between two steps, times the
    processes whose gradients are averaged. The parts are what autograd adds up, p_i, times their number m, whether the
    job divides each loss by m or not: the slope is that of the sum which the optimizer uses. Of the processes only this
    one's parts are known; they stand for those of the others, so a reading is unbiased but noisier.

    With one part alone, by a running mean over a sample of entries. Its memory is 10 readings, not steps, and it takes
    what the slope changed in that time for noise. A run in which there were parts once never comes to this.

    The squared slope and the noise are published as read, since both are unbiased and can be averaged. What is made of
    them by a root or by division is made of their running means, over all optimizers.
    """

    produces: ClassVar[tuple[str, ...]] = (
        "grad_sq_norm_debiased",
        "noise_trace",
        "grad_noise_norm",
        "gns_simple",
        "grad_snr",
    )

    def __init__(self, clips: Clips, company: Company, clock: Callable[[], float]) -> None:
        """Undo what `clips` heard of; join `company`."""
        self.pieces = Pieces(clock)
        self._clips = clips
        self._company = company
        self._coordinates = Coordinates()
        self._how = ""
        self._slope = Level()
        self._noise = Level()
        company.probes.append(self)

    def listen(self, guard: Callable[[See], See]) -> None:
        """Hear backward passes through `guard`."""
        self.pieces.listen(guard)

    @property
    def can_hear(self) -> bool:
        """Whether parts of the gradient are of use; for parameters that all processes have alike rank 0 answers."""
        return bool(self._company.processes) and not seat().rank

    def measure(self, moment: Moment) -> Reading | None:
        """The norms of the gradient and of its parts, or the running means; None when this step has neither."""
        heard = self.pieces.take()
        if not moment.grads or len(moment.parameters) != sum(len(g["params"]) for g in moment.optimizer.param_groups):
            return None  # a part of the parameters is elsewhere, and norms of a part have another meaning
        cuts = self._clips.of(moment)
        if heard is not None and heard.count * self._company.processes > 1 and heard.parameters == len(moment.grads):
            scale = find_scale()
            if scale is not None and any(factor is not scale for factor in heard.factors):
                return None  # something else was done to the scaled loss, so how large the parts are is not known
            return self._by_parts(moment, cuts, heard, scale)
        if self._company.processes > 1 or self._how == "parts":
            return None
        return self._by_running_mean(moment, cuts)

    def _by_parts(self, moment: Moment, cuts: Cuts | None, heard: Heard, scale: Tensor | None) -> Reading:
        norms = norms_of(moment.grads, moment.layout.grad_dtype)
        factors = [] if cuts is None else cuts.factors
        values = [*norms, *factors, heard.root, 1.0 if scale is None else scale]
        known = [v.item() if isinstance(v, Tensor) and v.device.type == "cpu" else v for v in values]
        return Reading(known, partial(self._read_parts, cuts, len(norms), heard.count))  # type: ignore[arg-type]  # both kinds may be mixed

    def _by_running_mean(self, moment: Moment, cuts: Cuts | None) -> Reading | None:
        means = self._coordinates.add(moment, cuts)
        if means is None:
            return None
        return Reading([means.mean, means.square, means.weight, means.weights], self._read_running_mean)

    def _read_parts(
        self, cuts: Cuts | None, layers: int, passes: int, values: Sequence[float], findings: Findings
    ) -> None:
        norms, factors, (root, scale) = values[:layers], values[layers:-2], values[-2:]
        if cuts is not None:
            norms = cuts.before(norms, factors)
        processes = self._company.processes
        count = passes * processes
        parts = (root / scale) ** 2 / processes if scale else math.nan  # p_i of a mean over processes is 1/processes
        split = split_by_parts(sum([n * n for n in norms]), parts, count)
        self._tell("parts", f"{passes} backward passes a step" + (f" on {processes} processes" * (processes > 1)))
        self._publish(split, count, findings)

    def _read_running_mean(self, values: Sequence[float], findings: Findings) -> None:
        mean, square, weight, weights = values
        leak = weights / weight**2 if weight else 1.0
        if leak > 1.0 - 1e-6:
            return  # the first reading
        self._tell("running mean", f"a running mean over {self._coordinates.size} entries of the gradient")
        self._publish(split_by_running_mean(mean / weight**2, square / weight, leak), 1, findings)

    def _tell(self, how: str, text: str) -> None:
        if self._how == how:
            return
        self._how = how
        # Successive running means share readings: their mean varies as that of (1 + β) / (1 - β) times fewer.
        spread = 1.0 if how == "parts" else (1.0 + DECAY) / (1.0 - DECAY)
        self._slope, self._noise = Level(spread=spread), Level(spread=spread)
        self._company.untold.append(f"slope and noise of the gradient are told apart by {text}")

    def _publish(self, split: Split, parts: int, findings: Findings) -> None:
        examples = parts * (self._company.examples or 1)
        findings.add_parts("grad_sq_norm_debiased", [split.slope], _sum)
        findings.add_parts("noise_trace", [split.noise * examples], _sum)
        self._slope.add(split.slope)
        self._noise.add(split.noise)
        probes = self._company.probes
        slope = sum(p._slope.mean for p in probes)
        noise = sum(p._noise.mean for p in probes)
        if not math.isfinite(slope + noise):
            return  # an optimizer has not been read yet
        findings.scalars["grad_noise_norm"] = max(noise, 0.0) ** 0.5
        if noise > 0:
            findings.scalars["grad_snr"] = slope / noise
        if slope > _CLEAR * sum(p._slope.variance for p in probes) ** 0.5:
            findings.scalars["gns_simple"] = examples * max(noise, 0.0) / slope


def _sum(parts: Sequence[float]) -> float:
    return parts[0]
