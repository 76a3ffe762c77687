"""What comes of a look whose products are not sure yet."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD
from torch.utils._python_dispatch import TorchDispatchMode

from ergoscope.curvature.blocks import Block
from ergoscope.curvature.ladder import How
from ergoscope.curvature.plan import Curvature
from ergoscope.findings import Findings
from ergoscope.probes.probe import Reading
from ergoscope.probes.vantage.opening import Label, Opening
from ergoscope.probes.vantage.vantage import Vantage


def vantage() -> Vantage:
    model = nn.Linear(2, 1)
    return Vantage(Curvature(), model, None, [SGD(model.parameters(), lr=0.1)], lambda: 0.0)


@pytest.mark.parametrize("drift", [2.0, math.inf, math.nan])
def test_a_pass_that_gives_something_else_or_no_number_ends_it(drift: float) -> None:
    one, seen, label = vantage(), list[object](), Label(How.REPLAYED, "a batch", "the model")

    one._judge(label, How.REPLAYED, frozenset(), lambda *given: seen.append(given), [1.0, 0.0, drift], Findings(1, {}))

    assert seen == []
    (told,) = one.remarks.take()
    assert told.startswith("curvature is not measured: run again, the model's forward pass gives something else")


class Brought(TorchDispatchMode):
    """Counts what is brought from one device to another."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]  # torch's own form
        if "_to_copy" in str(func) or str(func).startswith("aten.copy_"):
            self.names.append(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("read", [True, False])
def test_nothing_is_brought_to_the_device_for_it(read: bool) -> None:
    values, doubt = (torch.zeros(n, device="meta") for n in (3, 1))
    block = Block("", (nn.Parameter(torch.zeros(2, device="meta")),))
    opening = Opening(_no_products, block, 1.0, False, None, Label(How.REPLAYED, "", ""), frozenset(), doubt)  # type: ignore[arg-type]  # not used

    with Brought() as brought:
        found = vantage()._with_doubts(opening, Reading(values, lambda *_: None) if read else None)

    assert found is not None
    assert isinstance(found.values, Tensor)
    assert found.values.shape == (5 if read else 2,)
    assert brought.names == []


def _no_products(vector: Tensor) -> Tensor:
    return vector
