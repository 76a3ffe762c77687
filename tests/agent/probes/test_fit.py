"""How much of the steepest curvature is beyond the data fit, through the whole agent."""

import re
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD

from ergoscope.lineup import FIT, SHARPNESS
from tests.agent.curvature.test_ladder import RightCube, custom
from tests.agent.jobs import everything, same_bits
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.looks import net, said, watch

LossFn = Callable[[nn.Module, object], Tensor]


def followed(model: nn.Module, loss: LossFn, *, steps: int = 10, tasks: tuple[int, ...] = (FIT,)) -> MemoryOutlet:
    """Look at weights that stay."""
    outlet, optimizer = MemoryOutlet(), SGD(model.parameters(), lr=0.0)
    taps = watch(model, optimizer, outlet, probe=0, loss_fn=loss, tasks=tasks)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(model, 0).mean().backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()
    assert taps.alive
    taps.detach()
    return outlet


def classifier(*, curved: bool = True) -> tuple[nn.Module, LossFn]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 6), nn.Tanh() if curved else nn.Identity(), nn.Linear(6, 4)).double()
    inputs, targets = torch.randn(12, 3, dtype=torch.float64), torch.arange(12) % 4

    def loss(one: nn.Module, _: object) -> Tensor:
        return functional.cross_entropy(one(inputs), targets, reduction="none")

    loss.inputs, loss.targets = inputs, targets  # type: ignore[attr-defined]  # for what is expected
    return model, loss


def tops(model: nn.Module, inputs: Tensor, targets: Tensor) -> tuple[float, float]:
    """Largest eigenvalues of the Hessian and of its Gauss-Newton part, entry by entry."""
    flat = torch.cat([p.detach().reshape(-1) for p in model.parameters()])

    def logits(weights: Tensor) -> Tensor:
        pieces = torch.split(weights, [p.numel() for p in model.parameters()])
        given = {n: v.view(p.shape) for (n, p), v in zip(model.named_parameters(), pieces, strict=True)}
        out: Tensor = torch.func.functional_call(model, given, (inputs,))
        return out

    hessian = torch.func.hessian(lambda w: functional.cross_entropy(logits(w), targets))(flat)
    jacobian = torch.func.jacrev(logits)(flat)
    share = logits(flat).softmax(1)
    outer = torch.diag_embed(share) - share[:, :, None] * share[:, None, :]
    fit = torch.einsum("nci,ncd,ndj->ij", jacobian, outer, jacobian) / len(inputs)
    return float(torch.linalg.eigvalsh(hessian)[-1]), float(torch.linalg.eigvalsh(fit)[-1])


@pytest.mark.known_answer("ggn_gap", "ggn_gap_residual")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, from its function transforms
def test_it_is_that_of_both_matrices_entry_by_entry() -> None:
    model, loss = classifier()
    whole, part = tops(model, loss.inputs, loss.targets)  # type: ignore[attr-defined]  # kept there

    outlet = followed(model, loss)

    assert outlet.series("ggn_gap")[10] == pytest.approx(whole - part, rel=1e-5)
    assert outlet.series("ggn_gap_residual")[10] < 1e-4 * whole
    text = r"beyond the data fit curvature is exact, on the fixed batch [0-9a-f]{12}, over the whole model"
    assert any(re.fullmatch(text, told) for told in said(outlet))


def test_of_a_model_that_is_linear_in_its_weights_nothing_is_beyond() -> None:
    torch.manual_seed(0)
    model, inputs = nn.Linear(5, 3).double(), torch.randn(12, 5, dtype=torch.float64)

    outlet = followed(model, lambda one, _: functional.cross_entropy(one(inputs), torch.arange(12) % 3))

    assert abs(outlet.series("ggn_gap")[10]) < 1e-9


def test_training_is_the_same_to_the_last_bit() -> None:
    def trained(*, looks: bool) -> list[Tensor]:
        (model, x, y), outlet = net(), MemoryOutlet()
        optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
        loss: LossFn = lambda one, _: (one(functional.dropout(x, 0.2)) - y).square().mean(1)  # noqa: E731  # one line
        taps = watch(model, optimizer, outlet, probe=0, loss_fn=loss, tasks=(FIT,)) if looks else None
        for _ in range(6):
            optimizer.zero_grad()
            loss(model, 0).mean().backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            optimizer.step()
        if taps is not None:
            taps.detach()
            assert outlet.series("ggn_gap")
        return everything(model, [optimizer])

    assert same_bits(trained(looks=True), trained(looks=False))


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        (lambda one, x: one(x).square().mean() + one(-x).square().mean(), "the loss runs the model 2 times"),
        (
            lambda one, x: one(x).square().mean() + one[0].weight.square().sum(),
            "a part of the loss reaches parameters by another way than the model's output",
        ),
    ],
)
def test_a_loss_that_has_no_such_part_is_told_once_and_the_rest_goes_on(
    loss: Callable[[nn.Module, Tensor], Tensor], reason: str
) -> None:
    model, x, _ = net()

    outlet = followed(model, lambda one, _: loss(one, x), steps=4, tasks=(FIT, SHARPNESS))

    assert outlet.series("ggn_gap") == {}
    assert len(outlet.series("lambda_max")) == 4
    (text,) = [one for one in said(outlet) if "beyond the data fit" in one]
    assert text.startswith(f"curvature beyond the data fit is not measured: {reason}")


def test_a_model_that_has_become_another_is_told() -> None:
    class Counting(nn.Linear):
        calls = 0

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            return super().forward(x) * self.calls

    model, x = Counting(3, 2), torch.ones(4, 3)

    outlet = followed(model, lambda one, _: one(x).square().mean(), steps=3)

    assert outlet.series("ggn_gap") == {}
    assert "run again, the model's forward pass gives something else" in said(outlet)[-1]


def test_of_functions_of_the_job_s_own_it_is_not_taken() -> None:
    problem = custom(RightCube)

    outlet = followed(problem.model, lambda one, _: functional.cross_entropy(one(problem.inputs), problem.targets))

    assert outlet.series("ggn_gap") == {}
    assert any("functions of the job's own are in the model" in one for one in said(outlet))


def test_without_a_fixed_batch_the_reason_is_told() -> None:
    (model, x, y), outlet = net(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.1)

    taps = watch(model, optimizer, outlet, tasks=(FIT,))
    (model(x) - y).square().mean().backward()
    optimizer.step()
    taps.detach()

    (text,) = [e.text for e in outlet.events("agent") if "ggn_gap" in e.text]
    assert text.startswith("not measured without a fixed batch: ggn_gap, ggn_gap_residual; with a fixed batch")
