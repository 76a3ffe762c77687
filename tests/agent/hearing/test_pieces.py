"""The gradient of each backward pass by itself, seen by hooks that leave nothing behind."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ergoscope.hearing.pieces import Heard, Pieces


def listener() -> Pieces:
    pieces = Pieces(lambda: 0.0)
    pieces.listen(lambda see: see)
    pieces.restart()
    return pieces


def go(pieces: Pieces, parameters: list[nn.Parameter], loss: Tensor) -> None:
    finished = False
    pieces.open(parameters, loss)
    try:
        loss.backward()
        finished = True
    finally:
        pieces.close(finished)


def weights(*values: float) -> list[nn.Parameter]:
    return [nn.Parameter(torch.tensor([v])) for v in values]


def test_each_pass_is_seen_before_it_is_added() -> None:
    pieces, (a, b) = listener(), weights(1.0, 1.0)

    go(pieces, [a, b], (3 * a + 4 * b).sum())
    go(pieces, [a, b], (-3 * a).sum())

    assert pieces.take() == Heard(count=2, root=pytest.approx(34**0.5), parameters=2, factors=(None, None))
    assert pieces.take() is None


def test_a_tied_parameter_is_seen_once_with_the_sum_of_its_uses() -> None:
    pieces, (a,) = listener(), weights(1.0)

    go(pieces, [a], (2 * a).sum() + (3 * a).sum())

    assert pieces.take() == Heard(count=1, root=5.0, parameters=1, factors=(None,))


def test_passes_of_other_parameters_do_not_count() -> None:
    pieces, (a, b) = listener(), weights(1.0, 1.0)

    go(pieces, [a], (2 * b).sum())
    go(pieces, [a], (2 * a).sum())
    heard = pieces.take()

    assert heard is not None
    assert (heard.count, heard.root) == (1, 2.0)


def test_hooks_are_gone_after_the_pass_and_no_empty_list_stays() -> None:
    pieces, (a, b) = listener(), weights(1.0, 1.0)
    theirs: list[Tensor] = []
    b.register_hook(theirs.append)

    go(pieces, [a, b], (a + b).sum())

    assert a._backward_hooks is None
    assert len(b._backward_hooks) == 1  # type: ignore[arg-type]  # a dictionary
    assert len(theirs) == 1


def test_the_gradient_is_still_taken_over_without_a_copy() -> None:
    seen: list[int] = []
    pieces, (a,) = Pieces(lambda: 0.0), weights(1.0)

    def spy(see: Callable[[int, Tensor], None]) -> Callable[[int, Tensor], None]:
        def look(number: int, gradient: Tensor) -> None:
            seen.append(gradient.data_ptr())
            see(number, gradient)

        return look

    pieces.listen(spy)
    pieces.restart()
    go(pieces, [a], (a * torch.ones(1)).sum())

    assert a.grad is not None
    assert seen == [a.grad.data_ptr()]


class Failing(torch.autograd.Function):
    """A backward pass that fails half way."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: object, *grads: Tensor) -> Tensor:
        raise OSError("the user's own")


def test_a_pass_that_fails_voids_the_step_and_leaves_no_hook() -> None:
    pieces, (a, b) = listener(), weights(1.0, 1.0)

    with pytest.raises(OSError, match="the user's own"):
        go(pieces, [a, b], (b + Failing.apply(a)).sum())
    go(pieces, [a, b], (a + b).sum())

    assert a._backward_hooks is None
    assert b._backward_hooks is None
    assert pieces.take() is None
    go(pieces, [a, b], (a + b).sum())
    assert pieces.take() is not None


def test_gradients_thrown_away_between_passes_begin_the_step_anew() -> None:
    pieces, (a,) = listener(), weights(1.0)

    go(pieces, [a], (7 * a).sum())
    a.grad = None
    go(pieces, [a], (2 * a).sum())

    assert pieces.take() == Heard(count=1, root=2.0, parameters=1, factors=(None,))


def test_gradients_changed_between_passes_void_the_step() -> None:
    pieces, (a,) = listener(), weights(1.0)

    go(pieces, [a], (7 * a).sum())
    a.grad.zero_()  # type: ignore[union-attr]  # it was just made
    go(pieces, [a], (2 * a).sum())

    assert pieces.take() is None


def test_a_pass_that_was_missed_voids_the_step() -> None:
    pieces, (a,) = listener(), weights(1.0)

    go(pieces, [a], (7 * a).sum())
    pieces.miss()

    assert pieces.take() is None


def test_nothing_counts_before_the_first_step() -> None:
    pieces, (a,) = Pieces(lambda: 0.0), weights(1.0)
    pieces.listen(lambda see: see)

    go(pieces, [a], (7 * a).sum())

    assert pieces.take() is None


def test_sparse_gradients_void_the_step() -> None:
    pieces, table = listener(), nn.Embedding(4, 2, sparse=True)

    go(pieces, list(table.parameters()), table(torch.tensor([1])).sum())

    assert pieces.take() is None


@pytest.mark.parametrize(("reentrant", "counts"), [(False, True), (True, False)])
def test_a_parameter_reached_twice_in_one_pass_voids_the_step(reentrant: bool, counts: bool) -> None:
    pieces, layer = listener(), nn.Linear(2, 2)
    parameters = list(layer.parameters())
    x = torch.ones(1, 2, requires_grad=True)

    # Checkpoints of the old kind run passes of their own inside the pass; the layer is used in two of them.
    out = checkpoint(layer, checkpoint(layer, x, use_reentrant=reentrant), use_reentrant=reentrant)
    go(pieces, parameters, out.sum())

    assert (pieces.take() is not None) == counts
    assert all(p._backward_hooks is None for p in parameters)


def test_a_step_inside_the_pass_leaves_the_rest_unheard() -> None:
    pieces, (a, b) = listener(), weights(1.0, 1.0)
    a.register_post_accumulate_grad_hook(lambda _: pieces.restart())

    go(pieces, [a, b], (a + b).sum())

    assert pieces.take() is None


@pytest.mark.filterwarnings("ignore:Using backward.. with create_graph")
def test_gradients_with_a_graph_of_their_own_make_no_graph_here() -> None:
    pieces, (a,) = listener(), weights(2.0)

    pieces.open([a], None)
    (a**3).sum().backward(create_graph=True)
    pieces.close(True)
    heard = pieces.take()

    assert heard is not None
    assert heard.root == 12.0


def test_norms_that_stay_on_a_device_add_up_like_those_in_host_memory() -> None:
    pieces, (a, b) = listener(), weights(1.0, 1.0)

    for _ in range(2):
        pieces.open([a, b], None)
        (12 * b).sum().backward()  # as a parameter in host memory
        pieces._fired.add(0)
        pieces._squares.append(torch.tensor(5.0))  # as the device's way leaves it
        pieces.close(True)
    heard = pieces.take()

    assert heard is not None
    assert (heard.count, heard.parameters) == (2, 2)
    assert float(heard.root) == pytest.approx(2**0.5 * 13)


def test_hooks_can_be_taken_away_at_any_time() -> None:
    pieces, (a,) = listener(), weights(1.0)

    pieces.open([a], None)
    pieces.deafen()

    assert not a._backward_hooks
    assert pieces.take() is None


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, from compiling on some Pythons
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize("kept", [True, False])
def test_a_compiled_model_is_not_compiled_again(backend: str, kept: bool) -> None:
    from torch._dynamo.utils import counters

    torch._dynamo.reset()
    counters.clear()
    layer = nn.Linear(2, 2)
    compiled = torch.compile(layer, backend=backend)
    pieces, parameters = listener(), list(layer.parameters())

    for number in range(4):
        layer.zero_grad()
        x = torch.ones(1, 2)
        out = compiled(x) if kept else checkpoint(compiled, x, use_reentrant=False)
        if number % 2:
            go(pieces, parameters, out.sum())
        else:
            out.sum().backward()

    heard = pieces.take()
    assert counters["stats"]["unique_graphs"] == 1
    assert heard is not None
    assert heard.count == 1  # the gradients of the passes before were thrown away
