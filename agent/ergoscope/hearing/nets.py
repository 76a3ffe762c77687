"""What a net is made of, where that decides whether a measure of its layers' norms says anything of the net."""

from torch import nn
from torch.nn.utils import parametrize

_NORMALIZING = (
    nn.modules.batchnorm._NormBase,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.RMSNorm,
    nn.LocalResponseNorm,
)
_PASSING = (nn.Identity, nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.Hardtanh, nn.Flatten, nn.Dropout)
_WRAPPINGS = ("DistributedDataParallel", "DataParallel", "OptimizedModule")


def norms_mean_nothing(model: nn.Module) -> str:
    """Why products of the norms of a model's layers say nothing of what it computes; empty where they may.

    Example:
        >>> norms_mean_nothing(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)))
        'BatchNorm1d takes the scale out of the layers before it'
        >>> norms_mean_nothing(nn.Linear(2, 2))
        ''
    """
    for module in model.modules():
        kind = type(module).__name__
        leaf = not any(True for _ in module.children())
        if isinstance(module, _NORMALIZING) or (leaf and "norm" in kind.lower()):
            return f"{kind} takes the scale out of the layers before it"
        if isinstance(module, nn.RNNBase | nn.RNNCellBase):
            return f"{kind} uses its weights once a step of a sequence"
        if parametrize.is_parametrized(module):
            return "weights are made of other parameters"
    return ""


def linear_chain(model: nn.Module) -> tuple[nn.Linear, ...] | str:
    """The linear layers that a model puts one after the other, with nothing but what lets paths pass in between.

    Returns:
        In their order; or why it is no such chain.

    Example:
        >>> len(linear_chain(nn.Sequential(nn.Linear(2, 3, bias=False), nn.ReLU(), nn.Linear(3, 1, bias=False))))
        2
        >>> linear_chain(nn.Linear(2, 1))
        'Linear has a bias'
    """
    while type(model).__name__ in _WRAPPINGS:
        model = next(model.children())
    chain: list[nn.Linear] = []
    for module in _parts(model):
        if type(module) in _PASSING:
            continue
        if not isinstance(module, nn.Linear):
            return f"{type(module).__name__} is not known to let paths pass"
        if getattr(module, "bias", None) is not None:
            return "Linear has a bias"
        if chain and chain[-1].out_features != module.in_features:
            return "the layers do not fit one another"
        chain.append(module)
    return tuple(chain) or "it has no linear layers"


def _parts(module: nn.Module) -> list[nn.Module]:
    if type(module) is nn.Sequential:
        return [one for child in module for one in _parts(child)]
    return [module]
