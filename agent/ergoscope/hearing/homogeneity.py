"""Whether the outputs of a model scale as a power of its weights, and as which.

f(c w) = c^L f(w) for all c > 0: so it is in a chain of L layers without biases and functions with f(c x) = c f(x)
between them. Source: Lyu, Li (2020), section 2.
"""

from torch import nn

_WEIGHTED = (
    nn.Linear,
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)
_SCALING = (
    nn.Identity,
    nn.ReLU,
    nn.LeakyReLU,
    nn.Flatten,
    nn.Unflatten,
    nn.Dropout,
    nn.Dropout2d,
    nn.MaxPool1d,
    nn.MaxPool2d,
    nn.MaxPool3d,
    nn.AvgPool1d,
    nn.AvgPool2d,
    nn.AvgPool3d,
    nn.AdaptiveAvgPool1d,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool1d,
    nn.AdaptiveMaxPool2d,
)
_WRAPPINGS = ("DistributedDataParallel", "DataParallel", "OptimizedModule")


def degree_of(model: nn.Module) -> tuple[int, str]:
    """Degree L of homogeneity of a model's outputs in its weights.

    Returns:
        L, and 0 where it is not known, with the reason: only chains (`nn.Sequential`) of layers that are known show it,
        as what another module does in its `forward` cannot be seen.

    Example:
        >>> degree_of(nn.Sequential(nn.Linear(2, 3, bias=False), nn.ReLU(), nn.Linear(3, 1, bias=False)))
        (2, '')
        >>> degree_of(nn.Linear(2, 1))
        (0, 'Linear has a bias')
    """
    while type(model).__name__ in _WRAPPINGS:
        model = next(model.children())
    degree = 0
    for module in _chain(model):
        kind = type(module)
        if kind in _SCALING:
            continue
        if kind not in _WEIGHTED:
            return 0, f"{kind.__name__} is not known to scale with its input"
        if getattr(module, "bias", None) is not None:
            return 0, f"{kind.__name__} has a bias"
        degree += 1
    return (degree, "") if degree else (0, "it has no weights")


def _chain(module: nn.Module) -> list[nn.Module]:
    if type(module) is nn.Sequential:
        return [one for child in module for one in _chain(child)]
    return [module]
