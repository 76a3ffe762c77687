"""What a series is called: by the catalogue where it knows it, else by its own key."""

from ergoscope_contract.catalogue import entry

_SHORT = 22  # letters that stand upright beside a chart 170 px high


def title(key: str) -> str:
    """The name of a series.

    Example:
        >>> title("grad_norm/conv1.weight"), title("val/accuracy")
        ('gradient norm', 'val/accuracy')
    """
    metric = entry(key)
    return metric.name if metric is not None else key


def heading(key: str) -> str:
    """The name as it begins a line: the first letter of the catalogue's name is a capital one.

    Example:
        >>> heading("friction"), heading("val/accuracy")
        ('What diffGrad would make of the step', 'val/accuracy')
    """
    name = title(key)
    return name[:1].upper() + name[1:] if entry(key) is not None else name


def axis(key: str) -> str:
    """What stands on the value axis: symbol and unit; nothing for what the catalogue does not know.

    Example:
        >>> axis("weight_norm/conv1.weight"), axis("update_ratio"), axis("val/accuracy")
        ('‖w‖, weight', '‖Δ‖/‖w‖', '')
    """
    metric = entry(key)
    if metric is None:
        return ""
    return f"{metric.symbol}, {metric.unit}" if metric.unit else metric.symbol


def small_axis(key: str) -> str:
    """The same for a chart as low as a card's: the unit is left out where both have no room.

    Example:
        >>> small_axis("weight_norm"), small_axis("ggn_gap")
        ('‖w‖, weight', 'λ₁(H) − λ₁(G)')
    """
    whole, metric = axis(key), entry(key)
    return whole if metric is None or len(whole) <= _SHORT else metric.symbol
