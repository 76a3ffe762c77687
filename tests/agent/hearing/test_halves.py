"""The gradient with every other row of a batch turned round."""

import pytest
import torch
from torch import Tensor, nn

from ergoscope.hearing.course import Place
from ergoscope.hearing.halves import Contrast, Halves, UnfitError, _consumed, _turned, signs_of
from tests.agent.jobs import Job
from tests.agent.jobs_of_two_passes import SPLIT, UNSPLIT
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.test_bitwise import run


def heard(model: nn.Module, *, of: str = "") -> Halves:
    halves = Halves(model, obstacle=of)
    halves.listen(lambda note: note)
    halves.arm(compiled=False)
    return halves


def begin(halves: Halves, loss: object, *models: nn.Module, number: int = 1, plain: bool = True) -> bool:
    return halves.begin(loss, lambda: [list(model.parameters()) for model in models], number=number, plain=plain)


@pytest.mark.parametrize("rows", [2, 5, 8])
def test_the_norm_is_that_of_the_signed_sum_of_the_examples_gradients(rows: int) -> None:
    generator = torch.Generator().manual_seed(0)
    model, x = nn.Linear(3, 1, bias=False), torch.randn(rows, 3, generator=generator)
    halves = heard(model)

    begin(halves, model(x).square().mean(), model)

    singles = 2 * model(x).detach() * x / rows
    expected = float((signs_of(rows, singles) * singles).sum(dim=0).norm())
    assert halves.take(0) == Contrast(root=pytest.approx(expected, rel=1e-5), parameters=1, rows=rows)
    assert halves.take(0) is None
    assert halves.take(7) is None


def test_a_penalty_is_left_out_of_the_sum_and_the_parameters_that_it_alone_reaches_are_counted() -> None:
    model, x = nn.Linear(3, 1, bias=False), torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    model.register_parameter("unused", nn.Parameter(torch.ones(2)))
    plain = heard(model)
    begin(plain, model(x).square().mean(), model)

    penalized = heard(model)
    loss = model(x).square().mean() + 0.3 * sum(p.abs().sum() for p in model.parameters())
    begin(penalized, loss, model)
    loss.backward()

    without, with_ = plain.take(0), penalized.take(0)
    assert without is not None
    assert with_ == Contrast(without.root, parameters=2, rows=6)
    assert torch.equal(model.get_parameter("unused").grad, torch.full((2,), 0.3))  # type: ignore[arg-type]  # of the job


@pytest.mark.parametrize("rows", [2, 3, 6, 7])
def test_signs_have_sum_zero_and_mean_square_one(rows: int) -> None:
    signs = signs_of(rows, torch.zeros(rows, 2, dtype=torch.float64))

    assert signs.shape == (rows, 1)
    assert float(signs.sum()) == pytest.approx(0, abs=1e-6)
    assert float(signs.square().mean()) == pytest.approx(1, rel=1e-6)


def test_the_jobs_own_pass_finds_the_graph_and_no_hook() -> None:
    model, twin = nn.Linear(3, 2), nn.Linear(3, 2)
    twin.load_state_dict(model.state_dict())
    halves, x = heard(model), torch.ones(4, 3)

    loss = model(x).square().mean()
    begin(halves, loss, model)
    loss.backward()
    twin(x).square().mean().backward()

    assert all(p._backward_hooks is None for p in model.parameters())
    for mine, other in zip(model.parameters(), twin.parameters(), strict=True):
        assert mine.grad is not None
        assert other.grad is not None
        assert torch.equal(mine.grad, other.grad)
        assert mine.grad.stride() == other.grad.stride()


def test_each_optimizer_gets_its_own_share() -> None:
    both = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    halves = heard(both)

    begin(halves, both(torch.randn(4, 3)).square().mean(), both[0], both[1], nn.Linear(1, 1))

    first, second = halves.take(0), halves.take(1)
    assert first is not None
    assert second is not None
    assert (first.parameters, second.parameters) == (2, 2)
    assert halves.take(2) is None


def test_a_second_pass_makes_it_void() -> None:
    model = nn.Linear(3, 2)
    halves = heard(model)

    looked = begin(halves, model(torch.ones(4, 3)).sum(), model), begin(halves, None, model, number=2)

    assert looked == (True, False)
    assert halves.take(0) is None
    assert halves.obstacle == ""


def test_three_readings_that_come_to_nothing_are_the_last() -> None:
    model = nn.Linear(3, 2)
    halves = heard(model)

    for tried in range(3):
        assert halves.obstacle == "", tried
        halves.stepped(1)
        halves.arm(compiled=False)

    assert halves.obstacle == "a step has no backward pass that can be seen, or several"


def test_a_job_of_several_passes_is_not_tried_but_one_whose_scaler_leaves_steps_out_is() -> None:
    for counts, obstacle in (([2, 2, 2, 2], "a step has 2 backward passes"), ([2, 1, 2, 2], "")):
        halves = Halves(nn.Linear(3, 2))
        for count in counts:
            halves.stepped(count)

        halves.arm(compiled=False)

        assert halves.obstacle == obstacle
        halves.disarm()


@pytest.mark.parametrize(
    ("loss", "plain", "reason"),
    [
        (lambda out: out, True, "the backward pass does not begin at one number"),
        (lambda out: [out.sum(), out.mean()], True, "the backward pass does not begin at one number"),
        (lambda out: out.sum(), False, "the backward pass is compiled, or told more than its loss"),
    ],
)
def test_passes_of_another_kind_are_refused(loss: object, plain: bool, reason: str) -> None:
    model = nn.Linear(3, 2)
    halves = heard(model)

    begin(halves, loss(model(torch.ones(4, 3))), model, plain=plain)  # type: ignore[operator]  # a function

    assert halves.obstacle == reason


def test_sparse_gradients_are_refused() -> None:
    table = nn.Embedding(4, 2, sparse=True)
    halves = heard(table)

    begin(halves, table(torch.tensor([1, 2])).sum(), table)

    assert halves.obstacle == "a gradient is sparse"
    with (
        pytest.raises(UnfitError, match="a gradient is sparse"),
        _consumed([table.weight], {}),
    ):
        torch.autograd.grad(table(torch.tensor([1, 2])).sum(), [table.weight])


def test_an_output_made_together_with_something_that_the_loss_needs_is_refused() -> None:
    one, other = (torch.ones(4, 2, requires_grad=True) * 2).unbind(1)
    assert one.grad_fn is not None

    with (
        pytest.raises(UnfitError, match="depends on the model's output and on something made together with it"),
        _turned(Place(one.grad_fn, 0, 4)),
    ):
        (one + other).sum().backward()


@pytest.mark.parametrize(
    ("error", "passes", "reason"),
    [
        (MemoryError("no room"), False, "there is no memory for a second backward pass"),
        (OSError("something else"), True, "a backward pass over it failed"),
    ],
)
def test_a_pass_that_fails_is_the_last(
    error: Exception, passes: bool, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = nn.Linear(3, 2)
    halves = heard(model)
    loss = model(torch.ones(4, 3)).sum()

    def fail(*args: object, **kwargs: object) -> Tensor:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(torch.linalg, "vector_norm", fail)
        if passes:
            with pytest.raises(OSError, match="something else"):
                begin(halves, loss, model)
        else:
            begin(halves, loss, model)

    assert halves.obstacle == reason
    assert all(p._backward_hooks is None for p in model.parameters())


@pytest.mark.parametrize("job", SPLIT, ids=lambda job: job.__name__)
def test_batches_are_split_in_real_loops(job: Job) -> None:
    outlet = MemoryOutlet()

    run(job, outlet, forced=True)

    assert [e.text for e in outlet.events("agent") if "even and the odd rows" in e.text]


@pytest.mark.parametrize(("job", "reason"), UNSPLIT.items(), ids=lambda given: getattr(given, "__name__", ""))
def test_loops_that_would_notice_are_left_alone_and_told_why(job: Job, reason: str) -> None:
    outlet = MemoryOutlet()

    run(job, outlet, forced=True)

    assert [e.text for e in outlet.events("agent") if e.text.endswith(f"a step's batch cannot be split: {reason}")]
