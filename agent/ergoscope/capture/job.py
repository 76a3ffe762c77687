"""What the job itself knows, from memory: no file is read, nothing is started, no device is woken up."""

import os
import platform
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from ergoscope.capture.masking import hide_secrets
from ergoscope_contract.records import JsonObject

LONGEST = 1000  # characters of one argument or variable
MOST = 200  # arguments
TOLD = (  # the only variables whose values are told: where and as which part of what the job runs
    "CUDA_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "CUBLAS_WORKSPACE_CONFIG",
    "PYTORCH_CUDA_ALLOC_CONF",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NCCL_DEBUG",
    "RANK",
    "LOCAL_RANK",
    "WORLD_SIZE",
    "LOCAL_WORLD_SIZE",
    "GROUP_RANK",
    "TORCHELASTIC_RUN_ID",
    "TORCHELASTIC_RESTART_COUNT",
    "SLURM_JOB_ID",
    "SLURM_JOB_NAME",
    "SLURM_JOB_PARTITION",
    "SLURM_JOB_NUM_NODES",
    "SLURM_NTASKS",
    "SLURM_PROCID",
    "SLURM_ARRAY_JOB_ID",
    "SLURM_ARRAY_TASK_ID",
    "SLURM_RESTART_COUNT",
    "LSB_JOBID",
    "PBS_JOBID",
)


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the sidecar finds out the rest.

    folder, script: the job's working directory and what it was started with. modules: the packages that it has
    imported. paths: where it finds packages. save_code: whether uncommitted changes may be recorded.
    """

    folder: str
    script: str = ""
    modules: list[str] = []
    paths: list[str] = []
    save_code: bool = True


def describe_system(argv: Sequence[str], environment: Mapping[str, str] = os.environ) -> JsonObject:
    """Say what runs, and on what."""
    command = [word[:LONGEST] for word in hide_secrets([word[: 10 * LONGEST] for word in argv])]
    facts: JsonObject = {
        "command": command[:MOST],
        "script": command[0] if command else "",
        "folder": at_home(_folder()),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count() or 0,
    }
    told = {name: environment[name][:LONGEST] for name in TOLD if environment.get(name)}
    if told:
        facts["environment"] = told
    return {**facts, **_torch()}


def source(argv: Sequence[str], *, save_code: bool) -> Source:
    """Say where the rest is found out."""
    imported = {name.partition(".")[0] for name in list(sys.modules)}
    modules = sorted(name for name in imported - sys.stdlib_module_names if name.isidentifier())
    paths = [path for path in sys.path if path]
    return Source(_folder(), argv[0] if argv else "", modules, paths, save_code=save_code)


def _folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # it was removed
        return ""


def at_home(path: str) -> str:
    """Give a path with the home folder as "~", since a name of a person is of no use on a page."""
    home = str(Path("~").expanduser())
    return "~" + path[len(home) :] if path == home or path.startswith(home.rstrip("/") + "/") else path


def _torch() -> JsonObject:
    torch = sys.modules.get("torch")
    if torch is None:
        return {}
    facts: JsonObject = {"torch": str(getattr(torch, "__version__", ""))}
    version = getattr(torch, "version", None)
    facts.update({name: str(found) for name in ("cuda", "hip") if (found := getattr(version, name, None))})
    try:
        # A device that the job has not begun to use is not ours to wake up: forked children could not use it any more.
        if torch.cuda.is_initialized():
            facts["gpus"] = [_gpu(torch.cuda.get_device_properties(i)) for i in range(torch.cuda.device_count())]
    except Exception:  # a torch without CUDA, or half imported
        return facts
    return facts


def _gpu(properties: object) -> str:
    memory = getattr(properties, "total_memory", 0)
    return f"{getattr(properties, 'name', '')}, {memory / 2**30:.0f} GiB"


def hostname() -> str:
    """Give the machine's name."""
    return socket.gethostname()


def rank(environment: Mapping[str, str]) -> tuple[int, int]:
    """Give this process's rank and how many there are, as torchrun says it; (0, 1) when nothing does."""
    try:
        number, world = int(environment.get("RANK", "0")), int(environment.get("WORLD_SIZE", "1"))
    except ValueError:
        return 0, 1
    return (number, world) if 0 <= number < world else (0, 1)
