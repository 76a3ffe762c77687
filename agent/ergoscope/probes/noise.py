"""How much of a step's gradient is slope and how much is noise of the batch."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar, cast

from torch import Tensor, distributed, nn

from ergoscope.findings import Findings
from ergoscope.hearing.clipping import Clips, Cuts
from ergoscope.hearing.halves import Halves
from ergoscope.hearing.pieces import Heard, Pieces, See
from ergoscope.layers import Moment
from ergoscope.numerics.coherence import coherence_of, helped_by
from ergoscope.numerics.debias import Level, Split, split_by_parts, split_by_signs
from ergoscope.numerics.norms import norms_of
from ergoscope.numerics.scaling import find_scale
from ergoscope.probes.probe import Reading
from ergoscope.remark import Remark, Remarks
from ergoscope.shards import seat

_ALIKE = 0.01  # share by which the gradient used may differ from the one heard; sums in another order differ less
_CLEAR = 2.0  # standard errors that the slope must be above zero before anything is divided by it


@dataclass(frozen=True, slots=True)
class Company:
    """What the noise probes of one job share.

    halves: how a batch is split.
    processes: how many average their gradients, 0 when that is not known.
    examples: in one backward pass of one process, None when not told.
    probes: one an optimizer; remarks: what the user is to be told, once for all.
    """

    halves: Halves
    processes: int = 1
    examples: int | None = None
    probes: "list[NoiseProbe]" = field(default_factory=list)
    remarks: Remarks = field(default_factory=Remarks)


def averaged_over(model: nn.Module) -> int:
    """Over how many processes a model's gradients are averaged; 0 when there are several and nothing says so."""
    for module in model.modules():
        if type(module).__name__ == "DistributedDataParallel":
            group = cast(distributed.ProcessGroup, module.process_group)
            return group.size()
    return 0 if seat().world > 1 else 1


_Read = Callable[[float, Sequence[float], Findings], None]  # ‖g‖² before clipping, squares of the roots, what is found


class NoiseProbe:
    """Slope and noise of the gradient that a step used, before clipping.

    By the parts whose mean it is, wherever there are several: the backward passes between two steps, times the
    processes whose gradients are averaged. The parts are what autograd adds up, p_i, times their number m, whether the
    job divides each loss by m or not: the slope is that of the sum which the optimizer uses. Of the processes only this
    one's parts are known; they stand for those of the others, so a reading is unbiased but noisier.

    With one part alone, by the rows of the batch: by what is left of the gradient when every other one counts negative,
    see `ergoscope.hearing.halves`. Examples are then those told, or else the rows of the model's output.

    Where a batch cannot be split there is nothing, and an event says why. Gradients of successive steps are no parts:
    each step goes downhill for its own noise, so that in a settled run the noise of one and the slope at the next are
    against each other, and means over them say that there is no slope where there is one.

    The squared slope and the noise are published as read, since both are unbiased and can be averaged. What is made of
    them by a root or by division is made of their running means, over all optimizers.
    """

    produces: ClassVar[tuple[str, ...]] = (
        "grad_sq_norm_debiased",
        "noise_trace",
        "grad_noise_norm",
        "gns_simple",
        "grad_snr",
        "coherence",
        "m_coherence",
    )

    def __init__(self, clips: Clips, company: Company, clock: Callable[[], float]) -> None:
        """Undo what `clips` heard of; join `company`."""
        self.pieces = Pieces(clock)
        self._clips = clips
        self._company = company
        self._how = ""
        self._number = len(company.probes)
        self._slope = Level()
        self._noise = Level()
        company.probes.append(self)

    def listen(self, guard: Callable[[See], See]) -> None:
        """Hear backward passes through `guard`."""
        self.pieces.listen(guard)

    @property
    def can_hear(self) -> bool:
        """Whether parts of the gradient are of use; for parameters that all processes have alike rank 0 answers."""
        wanted = self._how != "halves" or self._company.halves.open
        return wanted and bool(self._company.processes) and not seat().rank

    def measure(self, moment: Moment) -> Reading | None:
        """The norms of the gradient and of its parts, or the running means; None when this step has neither."""
        heard, contrast = self.pieces.take(), self._company.halves.take(self._number)
        if not moment.grads or len(moment.parameters) != sum(len(g["params"]) for g in moment.optimizer.param_groups):
            return None  # a part of the parameters is elsewhere, and norms of a part have another meaning
        cuts = self._clips.of(moment)
        several = self._company.processes > 1 or (heard is not None and heard.count > 1)
        if heard is not None and heard.parameters == len(moment.grads):
            if several:
                read = partial(self._read_parts, heard.count)
                return self._by_norms(moment, cuts, heard, [heard.root], read)
            if contrast is not None and contrast.parameters == heard.parameters and self._how != "parts":
                read = partial(self._read_halves, contrast.rows)
                return self._by_norms(moment, cuts, heard, [heard.root, contrast.root], read)
        if self._how != "parts" and not several:
            self._tell_of_nothing()
        return None

    def _by_norms(
        self, moment: Moment, cuts: Cuts | None, heard: Heard, roots: list[Tensor | float], read: _Read
    ) -> Reading | None:
        scale = find_scale()
        if scale is not None and any(factor is not scale for factor in heard.factors):
            return None  # something else was done to the scaled loss, so how large the parts are is not known
        norms = norms_of(moment.grads, moment.layout.grad_dtype)
        factors = [] if cuts is None else cuts.factors
        values = [*norms, *factors, *roots, 1.0 if scale is None else scale]
        known = [v.item() if isinstance(v, Tensor) and v.device.type == "cpu" else v for v in values]

        def unscaled(values: Sequence[float], findings: Findings) -> None:
            lengths, cut, roots = values[: len(norms)], values[len(norms) : -count - 1], values[-count - 1 : -1]
            lengths = lengths if cuts is None else cuts.before(lengths, cut)
            squares = [(root / values[-1]) ** 2 if values[-1] else math.nan for root in roots]
            read(sum([n * n for n in lengths]), squares, findings)

        count = len(roots)
        return Reading(known, unscaled)  # type: ignore[arg-type]  # both kinds may be mixed

    def _read_parts(self, passes: int, whole: float, parts: Sequence[float], findings: Findings) -> None:
        processes = self._company.processes
        count = passes * processes
        split = split_by_parts(whole, parts[0] / processes, count)  # p_i of a mean over processes is 1/processes
        self._tell("parts", f"{passes} backward passes a step" + (f" on {processes} processes" * (processes > 1)))
        self._publish(split, count * (self._company.examples or 1), findings)

    def _read_halves(self, rows: int, whole: float, parts: Sequence[float], findings: Findings) -> None:
        heard, contrast = parts
        halves = self._company.halves
        if math.isfinite(whole) and not abs(heard - whole) <= _ALIKE * whole:
            halves.fail("the gradient that a step uses is not the one that the backward pass gave")
            return
        halves.succeed()
        examples = self._company.examples or rows
        told = "" if self._company.examples else f", whose {rows} rows are taken for examples"
        tied = "; batch normalization ties them together, which shifts both" if halves.ties_rows() else ""
        text = f"the even and the odd rows of the model's output{told}: one more backward pass a reading{tied}"
        self._tell("halves", text)
        self._publish(split_by_signs(whole, contrast), examples, findings)

    def _tell(self, how: str, text: str) -> None:
        if self._how == how:
            return
        self._how = how
        self._slope, self._noise = Level(), Level()
        self._company.remarks.tell(f"slope and noise of the gradient are told apart by {text}")

    def _tell_of_nothing(self) -> None:
        obstacle = self._company.halves.obstacle
        if obstacle and self._how != "nothing":
            since = " from now on" if self._how == "halves" else ""
            text = f"slope and noise of the gradient are absent{since}, as a step's batch cannot be split: {obstacle}"
            self._company.remarks.tell(Remark(text, absent=True))
            self._how = "nothing"

    def _publish(self, split: Split, examples: int, findings: Findings) -> None:
        findings.add_parts("grad_sq_norm_debiased", [split.slope], _sum)
        findings.add_parts("noise_trace", [split.noise * examples], _sum)
        self._slope.add(split.slope)
        self._noise.add(split.noise)
        probes = self._company.probes
        slope = sum(p._slope.mean for p in probes)
        noise = sum(p._noise.mean for p in probes)
        if not math.isfinite(slope + noise):
            return  # an optimizer has not been read yet
        common = coherence_of(slope, examples * max(noise, 0.0))
        if math.isfinite(common):
            findings.scalars["coherence"] = common
            findings.scalars["m_coherence"] = helped_by(common, examples=examples)
        findings.scalars["grad_noise_norm"] = max(noise, 0.0) ** 0.5
        if noise > 0:
            findings.scalars["grad_snr"] = slope / noise
        if slope > _CLEAR * sum(p._slope.variance for p in probes) ** 0.5:
            findings.scalars["gns_simple"] = examples * max(noise, 0.0) / slope


class HalvesProbe:
    """Stands for what it costs to split a batch; `NoiseProbe` reads what comes of it."""

    produces: ClassVar[tuple[str, ...]] = ()

    def measure(self, moment: Moment) -> Reading | None:
        """Nothing: the backward pass was before the job's own."""
        del moment
        return None


def _sum(parts: Sequence[float]) -> float:
    return parts[0]
