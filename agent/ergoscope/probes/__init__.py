"""What is measured in the job: one family of quantities a module."""

from ergoscope.probes.activation import ActivationHistogramProbe, ActivationProbe
from ergoscope.probes.alignment import AlignmentProbe
from ergoscope.probes.collapse import CollapseProbe
from ergoscope.probes.distance import DistanceProbe
from ergoscope.probes.feature_rank import FeatureRankProbe
from ergoscope.probes.first_layer import FirstLayerProbe
from ergoscope.probes.fit import FitProbe
from ergoscope.probes.friction import FrictionProbe
from ergoscope.probes.full_gradient import FullGradientProbe
from ergoscope.probes.gradient import GradientProbe
from ergoscope.probes.histogram import HistogramProbe, UpdateHistogramProbe
from ergoscope.probes.loss import LossProbe
from ergoscope.probes.margin import MarginProbe
from ergoscope.probes.matrices import MatrixNormProbe
from ergoscope.probes.moments import MomentsProbe
from ergoscope.probes.noise import NoiseProbe
from ergoscope.probes.opposing import OpposingProbe
from ergoscope.probes.rate import RateProbe
from ergoscope.probes.sharpness import SharpnessProbe
from ergoscope.probes.singular import SingularValueProbe
from ergoscope.probes.sketch import SuccessiveGradientProbe, WeightSketchProbe
from ergoscope.probes.slices.probe import SliceProbe
from ergoscope.probes.smoothness import SmoothnessProbe
from ergoscope.probes.spectrum import SpectrumProbe
from ergoscope.probes.timing import TimingProbe
from ergoscope.probes.trial.trial import TrialProbe
from ergoscope.probes.trial.trust_ratio import TrustRatioProbe
from ergoscope.probes.update import UpdateProbe
from ergoscope.probes.weights import WeightProbe

PROBES = (
    LossProbe,
    GradientProbe,
    WeightProbe,
    UpdateProbe,
    HistogramProbe,
    RateProbe,
    TimingProbe,
    SuccessiveGradientProbe,
    WeightSketchProbe,
    AlignmentProbe,
    FrictionProbe,
    MomentsProbe,
    UpdateHistogramProbe,
    NoiseProbe,
    ActivationProbe,
    ActivationHistogramProbe,
    FirstLayerProbe,
    MarginProbe,
    OpposingProbe,
    SharpnessProbe,
    SpectrumProbe,
    TrialProbe,
    TrustRatioProbe,
    SmoothnessProbe,
    FitProbe,
    SliceProbe,
    DistanceProbe,
    MatrixNormProbe,
    SingularValueProbe,
    CollapseProbe,
    FeatureRankProbe,
    FullGradientProbe,
)

__all__ = [
    "PROBES",
    "ActivationHistogramProbe",
    "ActivationProbe",
    "AlignmentProbe",
    "CollapseProbe",
    "DistanceProbe",
    "FeatureRankProbe",
    "FirstLayerProbe",
    "FitProbe",
    "FrictionProbe",
    "FullGradientProbe",
    "GradientProbe",
    "HistogramProbe",
    "LossProbe",
    "MarginProbe",
    "MatrixNormProbe",
    "MomentsProbe",
    "NoiseProbe",
    "OpposingProbe",
    "RateProbe",
    "SharpnessProbe",
    "SingularValueProbe",
    "SliceProbe",
    "SmoothnessProbe",
    "SpectrumProbe",
    "SuccessiveGradientProbe",
    "TimingProbe",
    "TrialProbe",
    "TrustRatioProbe",
    "UpdateHistogramProbe",
    "UpdateProbe",
    "WeightProbe",
    "WeightSketchProbe",
]
