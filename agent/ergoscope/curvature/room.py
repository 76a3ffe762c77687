"""Whether a device has the memory that a look at the curvature needs, before it is taken."""

import math
from pathlib import Path

import torch

_MEMINFO = Path("/proc/meminfo")


def spare(device: torch.device, *, meminfo: Path = _MEMINFO) -> float:
    """Bytes that could be had on a device now; infinite where that cannot be told.

    Args:
        device: Of a CUDA device what is free and what torch holds without using it; of the host what Linux says is
            available.
        meminfo: Where Linux says it.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return float(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
    if device.type == "cpu":
        try:
            lines = meminfo.read_text().splitlines()
        except OSError:
            return math.inf
        return next((float(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), math.inf)
    return math.inf


def needed(size: int, vectors: int, device: torch.device) -> float:
    """Bytes that a reading takes: its vectors, and a graph of gradients about as large as all that is in use now.

    Args:
        size: Entries of a vector, in fp32.
        vectors: How many are held at once.
        device: In host memory what is in use by this process's tensors is not known; then the vectors count twice.
    """
    held = 4.0 * size * vectors
    return held + torch.cuda.memory_allocated(device) if device.type == "cuda" else 2.0 * held


def lasting(size: int, vectors: int, device: torch.device) -> bool:
    """Whether vectors can be kept from step to step, also while the job uses most.

    Of a CUDA device what it used most so far is known, our own looks included, so this errs to the safe side. Of others
    it is not known: `spare` has to do.

    Args:
        size: Entries of a vector, in fp32.
        vectors: How many are kept.
        device: Where.
    """
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    at_most = torch.cuda.max_memory_allocated(device)
    return free + torch.cuda.memory_reserved(device) - at_most >= 4.0 * size * vectors
