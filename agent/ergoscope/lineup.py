"""The probes that run around an optimizer's step, in the order in which they are read, and how often each may run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from torch import nn
from torch.optim import Optimizer

from ergoscope.hearing.clipping import Clips
from ergoscope.hearing.halves import Halves
from ergoscope.numerics.sketch import Sketcher
from ergoscope.periods import Task
from ergoscope.probes.activation import ActivationHistogramProbe, ActivationProbe
from ergoscope.probes.alignment import AlignmentProbe
from ergoscope.probes.collapse import LOOKS, CollapseProbe
from ergoscope.probes.distance import DistanceProbe, Origin
from ergoscope.probes.feature_rank import RUN, FeatureRankProbe
from ergoscope.probes.first_layer import FirstLayerProbe
from ergoscope.probes.fit import FitProbe
from ergoscope.probes.friction import FrictionProbe
from ergoscope.probes.full_gradient import FullGradientProbe
from ergoscope.probes.gradient import GradientProbe
from ergoscope.probes.histogram import HistogramProbe, UpdateHistogramProbe
from ergoscope.probes.loss import LossProbe
from ergoscope.probes.margin import MarginProbe
from ergoscope.probes.matrices import MatrixNormProbe, Net
from ergoscope.probes.moments import MomentsProbe
from ergoscope.probes.noise import Company, HalvesProbe, NoiseProbe, averaged_over
from ergoscope.probes.opposing import OpposingProbe
from ergoscope.probes.probe import Probe
from ergoscope.probes.sharpness import SharpnessProbe
from ergoscope.probes.singular import SingularValueProbe
from ergoscope.probes.sketch import SuccessiveGradientProbe, WeightSketchProbe
from ergoscope.probes.smoothness import SmoothnessProbe
from ergoscope.probes.spectrum import SpectrumProbe
from ergoscope.probes.trace_ratio import TraceRatio
from ergoscope.probes.trial.trial import TrialProbe
from ergoscope.probes.trial.trust_ratio import TrustRatioProbe
from ergoscope.probes.update import UpdateProbe
from ergoscope.probes.vantage.vantage import Vantage
from ergoscope.probes.weights import WeightProbe
from ergoscope.remark import Remarks

(
    LOSS,
    GRADIENT,
    WEIGHTS,
    UPDATE,
    HISTOGRAM,
    ACTIVATIONS,
    FIRST_LAYER,
    SUCCESSIVE,
    WEIGHT_SKETCH,
    ALIGNMENT,
    UPDATE_HISTOGRAM,
    MOMENTS,
    FRICTION,
    NOISE,
    MARGIN,
    ACTIVATION_HISTOGRAM,
    OPPOSING,
    HALVES,
    SHARPNESS,
    TRIAL,
    SPECTRUM,
    TRUST,
    FULL_GRADIENT,
    SMOOTHNESS,
    FIT,
    DISTANCE,
    MATRICES,
    SINGULAR,
    COLLAPSE,
    FEATURE_RANK,
) = range(30)


def _asked(name: str, quantities: tuple[str, ...], patience: float, *, often: int, phase: int) -> Task:
    """A task that is there only because somebody asked for it.

    So rarely from the first that its cost is known before it has been due often; a loss that swings is seen on both
    sides.
    """
    return Task(
        name, quantities, patience, rarest=1 << 16, often=often, phase=phase, alone=True, sways=True, asked=True
    )


TASKS = (
    Task("loss", (*LossProbe.produces, "lr", "step_time", "agent_overhead"), 0.05, rarest=1),
    Task("gradient", GradientProbe.produces, 0.6, rarest=64),
    Task("weights", WeightProbe.produces, 0.7),
    Task("update", UpdateProbe.produces, 4.0),
    Task("histogram", HistogramProbe.produces, 16.0),
    Task("activations", ActivationProbe.produces, 16.0, often=8, phase=6),
    Task("first layer", FirstLayerProbe.produces, 8.0, often=8),
    Task("successive gradients", SuccessiveGradientProbe.produces, 8.0, often=8, run=2),
    Task("weight sketch", WeightSketchProbe.produces, 16.0, often=16, run=3),
    Task("alignment", AlignmentProbe.produces, 8.0, often=8),  # with the norms it is made of, so without a phase
    Task("update histogram", UpdateHistogramProbe.produces, 16.0, often=8),  # at steps with an update, so as well
    Task("moments", MomentsProbe.produces, 16.0, often=8),
    Task("friction", FrictionProbe.produces, 16.0, often=16, run=2),
    Task("noise", NoiseProbe.produces, 8.0, often=16, phase=5),
    Task("margin", MarginProbe.produces, 8.0, often=8, phase=3),
    Task("activation histogram", ActivationHistogramProbe.produces, 16.0, often=16, phase=14),  # with activations
    Task("opposing signals", OpposingProbe.produces, 16.0, often=64, run=3, phase=9),  # apart from all that is dear
    # A backward pass: of what a device does the clock sees little, so rarer than one step in a hundred. With noise.
    Task("halves of a batch", NoiseProbe.produces, 8.0, often=128, phase=5, alone=True),
    # Of what was asked for the sharpness waits least: the largest part of the budget is for it.
    _asked("sharpness", SharpnessProbe.produces, 0.03, often=16, phase=56),
    # A gradient and two runs forward of the user's batch.
    _asked("trial", TrialProbe.produces, 1.0, often=64, phase=28),
    # Of a reading's many products a few at a time.
    _asked("spectrum", (*SpectrumProbe.produces, *TraceRatio.produces), 0.05, often=64, phase=117),
    # One run forward, so it tells between two readings of the sharpness how the steps fare.
    _asked("trust ratio", TrustRatioProbe.produces, 0.12, often=32, phase=76),
    # A gradient of the user's batch, in parts.
    _asked("full gradient", FullGradientProbe.produces, 2.0, often=512, phase=482),
    # Three products and as many gradients, at the first look more.
    _asked("smoothness", SmoothnessProbe.produces, 2.0, often=2048, phase=213),
    # Twice as many products as the sharpness takes at first, and two runs of the model.
    _asked("data fit", FitProbe.produces, 2.0, often=2048, phase=341),
    # What changes slowly, and is compared between runs rather than watched. Norms that use the distance come with it.
    Task("distance from the start", DistanceProbe.produces, 16.0, often=32),
    Task("matrix norms", MatrixNormProbe.produces, 32.0, rarest=1 << 14, often=128, alone=True),
    Task("singular values", SingularValueProbe.produces, 32.0, rarest=1 << 14, often=2048, phase=275, alone=True),
    Task("collapse", CollapseProbe.produces, 32.0, rarest=1 << 14, often=4096, run=LOOKS, phase=386, alone=True),
    Task(
        "feature rank",
        FeatureRankProbe.produces,
        32.0,
        rarest=1 << 14,
        often=4096,
        run=RUN,
        phase=450,
        alone=True,
    ),
)
_SEEN = 16  # shortest period of halves where the clock sees what they take
# These must run before a step that overwrites the gradients.
READ_GRADIENTS = (GRADIENT, HISTOGRAM, FIRST_LAYER, SUCCESSIVE, MOMENTS, FRICTION, NOISE)
CURVED = (SHARPNESS, SPECTRUM, SMOOTHNESS, FIT)  # they look from one vantage, in this order
# Sums over entries: of a sharded parameter each process sends its part.
ADD_UP = (LOSS, GRADIENT, WEIGHTS, UPDATE, DISTANCE)


def tasks_of(model: nn.Module) -> tuple[Task, ...]:
    """Give the tasks of a job: where the clock sees all of a pass, as on a CPU, the budget alone limits halves."""
    if any(parameter.device.type != "cpu" for parameter in model.parameters()):
        return TASKS
    return (*TASKS[:HALVES], replace(TASKS[HALVES], often=_SEEN), *TASKS[HALVES + 1 :])


class Runs(NamedTuple):
    """What runs batches by itself, for all optimizers of a job.

    opposing: the probe batch at successive steps; trial: around one step; trust: a step's own batch around it; vantage:
    from where the curvature is looked at; full_gradient: the probe batch in parts.
    """

    opposing: OpposingProbe
    trial: TrialProbe
    trust: TrustRatioProbe
    vantage: Vantage
    full_gradient: FullGradientProbe


@dataclass(frozen=True, slots=True)
class Shared:
    """What the probes of all optimizers of the job share: those that look at the model, and what was heard of it."""

    loss: LossProbe
    activations: ActivationProbe
    activation_shapes: ActivationHistogramProbe
    margin: MarginProbe
    first_layer: FirstLayerProbe
    clips: Clips
    noise: Company
    opposing: OpposingProbe
    trial: TrialProbe
    trust: TrustRatioProbe
    vantage: Vantage
    full_gradient: FullGradientProbe
    sharpness: SharpnessProbe
    spectrum: SpectrumProbe
    smoothness: SmoothnessProbe
    fit: FitProbe
    ratio: TraceRatio
    origin: Origin
    net: Net
    singular: Remarks
    collapse: CollapseProbe
    feature_rank: FeatureRankProbe

    @classmethod
    def of(
        cls,
        model: nn.Module,
        optimizers: Sequence[Optimizer],
        runs: Runs,
        *,
        examples: int | None = None,
        start_step: int = 0,
    ) -> "Shared":
        """Make it for a model and its optimizers.

        Args:
            model: Whose modules are looked at.
            optimizers: Those of the job.
            runs: What runs batches by itself.
            examples: Those of one backward pass, when that is known.
            start_step: Steps done before, of a job that goes on.
        """
        company, margin, vantage = _company(model, examples), MarginProbe(model), runs.vantage
        ratio = TraceRatio(None if examples is None else examples * company.processes, passes=vantage.passes)
        return cls(
            LossProbe(),
            ActivationProbe(model),
            ActivationHistogramProbe(model),
            margin,
            FirstLayerProbe(model),
            Clips(optimizers),
            company,
            *runs,
            SharpnessProbe(vantage),
            SpectrumProbe(vantage, classes=lambda: margin.classes, ratio=ratio),
            SmoothnessProbe(vantage),
            FitProbe(vantage),
            ratio,
            Origin(start_step),
            Net(model),
            Remarks(),
            CollapseProbe(model),
            FeatureRankProbe(model),
        )


def _company(model: nn.Module, examples: int | None) -> Company:
    processes = averaged_over(model)
    halves = Halves(model, obstacle="" if processes == 1 else "several processes have a part in it")
    return Company(halves, processes, examples)


def make_probes(shared: Shared, clock: Callable[[], float]) -> tuple[Probe, ...]:
    """Make the probes of one optimizer, one a task."""
    weights, sketcher = WeightProbe(), Sketcher()
    update = UpdateProbe(weights)
    return (
        shared.loss,
        GradientProbe(shared.clips),
        weights,
        update,
        HistogramProbe(),
        shared.activations,
        shared.first_layer,
        SuccessiveGradientProbe(sketcher),
        WeightSketchProbe(sketcher),
        AlignmentProbe(update),
        UpdateHistogramProbe(update),
        MomentsProbe(),
        FrictionProbe(),
        NoiseProbe(shared.clips, shared.noise, clock),
        shared.margin,
        shared.activation_shapes,
        shared.opposing,
        HalvesProbe(),
        shared.sharpness,
        shared.trial,
        shared.spectrum,
        shared.trust,
        shared.full_gradient,
        shared.smoothness,
        shared.fit,
        DistanceProbe(sketcher, shared.origin),
        MatrixNormProbe(shared.net),
        SingularValueProbe(shared.singular),
        shared.collapse,
        shared.feature_rank,
    )
