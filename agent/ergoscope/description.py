"""What a job's model and optimizers say of themselves: the run's configuration as far as it can be seen."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ergoscope_contract.records import JsonObject


def describe(model: nn.Module, optimizers: Sequence[Optimizer]) -> JsonObject:
    """Hyper-parameters of each optimizer and group, parameter counts, devices and torch version, for JSON."""
    parameters = list(model.parameters())
    return {
        "model": type(model).__name__,
        "parameters": sum(p.numel() for p in parameters),
        "trainable_parameters": sum(p.numel() for p in parameters if p.requires_grad),
        "devices": sorted({str(p.device) for p in parameters}),
        "dtypes": sorted({str(p.dtype).removeprefix("torch.") for p in parameters}),
        "optimizers": [_optimizer(o) for o in optimizers],
        "torch": str(torch.__version__),
    }


def _optimizer(optimizer: Optimizer) -> JsonObject:
    groups: list[JsonObject] = []
    for group in optimizer.param_groups:
        said: JsonObject = {key: _plain(value) for key, value in group.items() if key != "params"}
        said["parameters"] = sum(p.numel() for p in group["params"])
        groups.append(said)
    return {"name": type(optimizer).__name__, "groups": groups}


def _plain(value: object) -> object:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Tensor() if value.numel() == 1:
            return float(value)  # once, at attach: waiting for the device is fine here
        case tuple() | list():
            return [_plain(v) for v in value]
        case _:
            return type(value).__name__
