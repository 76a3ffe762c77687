"""Factors of losses, and what must not be read to find them."""

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ergoscope.numerics.scaling import factor_of, find_scale
from ergoscope.taps import attach
from tests.agent.memory_outlet import MemoryOutlet


def test_the_factor_is_what_a_loss_was_multiplied_by_last() -> None:
    loss, scale = torch.ones((), requires_grad=True) * 1.0, torch.tensor(1024.0)

    assert factor_of(loss * scale) is scale
    assert factor_of(loss * scale / 2) is None
    assert factor_of(loss * torch.ones((), requires_grad=True)) is None
    assert factor_of(loss * torch.ones(3)) is None
    assert factor_of("no tensor") is None


def test_a_graph_that_is_gone_has_no_factor() -> None:
    loss = torch.ones((), requires_grad=True) * 1.0 * torch.tensor(2.0)
    loss.backward()

    assert factor_of(loss) is None


def test_without_a_scaler_on_the_stack_there_is_no_scale() -> None:
    assert find_scale() is None


def test_a_checkpoint_that_ends_in_a_product_is_not_computed_again() -> None:
    def buffers(watch: bool) -> list[Tensor]:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
        weight = nn.Parameter(torch.tensor(2.0))
        optimizer = torch.optim.SGD([*model.parameters(), weight], lr=0.1)
        taps = attach(model, optimizer, MemoryOutlet()) if watch else None
        for _ in range(20):
            optimizer.zero_grad()
            x = torch.randn(8, 3)
            loss = checkpoint(lambda x: model(x).square().mean() * weight, x, use_reentrant=False)
            loss.backward()
            optimizer.step()
        if taps is not None:
            taps.detach()
        return [b.clone() for b in model.buffers()]

    assert all(torch.equal(a, b) for a, b in zip(buffers(True), buffers(False), strict=True))
