"""The probes that run around an optimizer's step, in the order in which they are read, and how often each may run."""

from ergoscope.probes.gradient import GradientProbe
from ergoscope.probes.histogram import HistogramProbe
from ergoscope.probes.loss import LossProbe
from ergoscope.probes.probe import Probe
from ergoscope.probes.update import UpdateProbe
from ergoscope.probes.weights import WeightProbe
from ergoscope.schedule import Task

LOSS, GRADIENT, WEIGHTS, UPDATE, HISTOGRAM = range(5)
TASKS = (
    Task("loss", (*LossProbe.produces, "lr", "step_time", "agent_overhead"), 0.05, rarest=1),
    Task("gradient", GradientProbe.produces, 1.0, rarest=64),
    Task("weights", WeightProbe.produces, 2.0),
    Task("update", UpdateProbe.produces, 4.0),
    Task("histogram", HistogramProbe.produces, 16.0),
)
READ_GRADIENTS = (GRADIENT, HISTOGRAM)  # these must run before a step that overwrites them


def make_probes(loss: LossProbe) -> tuple[Probe, ...]:
    """Make the probes of one optimizer, one a task; `loss` is shared with the other optimizers of the job."""
    weights = WeightProbe()
    return (loss, GradientProbe(), weights, UpdateProbe(weights), HistogramProbe())
