"""What is measured in the job: one family of quantities a module."""

from ergoscope.probes.gradient import GradientProbe
from ergoscope.probes.histogram import HistogramProbe
from ergoscope.probes.loss import LossProbe
from ergoscope.probes.rate import RateProbe
from ergoscope.probes.timing import TimingProbe
from ergoscope.probes.update import UpdateProbe
from ergoscope.probes.weights import WeightProbe

PROBES = (LossProbe, GradientProbe, WeightProbe, UpdateProbe, HistogramProbe, RateProbe, TimingProbe)

__all__ = [
    "PROBES",
    "GradientProbe",
    "HistogramProbe",
    "LossProbe",
    "RateProbe",
    "TimingProbe",
    "UpdateProbe",
    "WeightProbe",
]
