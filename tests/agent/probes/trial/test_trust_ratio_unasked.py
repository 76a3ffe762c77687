"""Nobody has asked for it, so no batch is run a second time."""

from torch.optim import SGD

from ergoscope.taps import attach
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.trial.test_trust_ratio import Masked, of_classes


def test_where_curvature_is_not_asked_for_nothing_is_run_again() -> None:
    outlet, model, calls = MemoryOutlet(), Masked().double(), []
    model.register_forward_pre_hook(lambda *_: calls.append(1))
    optimizer = SGD(model.parameters(), lr=0.001)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    for _ in range(80):
        optimizer.zero_grad()
        of_classes(model).backward()
        optimizer.step()
    taps.detach()

    assert len(calls) == 80
    assert outlet.series("trust_ratio") == {}
