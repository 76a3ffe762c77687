"""What a job says of itself without being asked.

What costs next to nothing is said by the job (`job`, `dataset`); the rest is found out beside it, by its sidecar: the
machine, the packages, the state of the code. Environment variables are never told but for a fixed list, secrets are
masked.
"""

from ergoscope.capture.dataset import describe_data as describe_data
from ergoscope.capture.job import Source as Source
from ergoscope.capture.job import describe_system as describe_system
from ergoscope.capture.job import hostname as hostname
from ergoscope.capture.job import rank as rank
from ergoscope.capture.job import source as source
from ergoscope.capture.masking import hide_secrets as hide_secrets
from ergoscope.capture.masking import mask_object as mask_object

__all__ = ["Source", "describe_data", "describe_system", "hide_secrets", "hostname", "mask_object", "rank", "source"]
