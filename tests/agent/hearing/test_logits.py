"""What the graph of a loss says of the scores that it was made of."""

import weakref

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # as everybody calls it
from torch.utils.checkpoint import checkpoint

from ergoscope.hearing import logits
from ergoscope.hearing.logits import Scores, scores_of
from ergoscope.numerics.margins import margins_of_classes


def draw(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0)).requires_grad_()


TARGETS = torch.tensor([0, 1, 2, -100, 1])


def only(loss: object) -> Scores:
    (found,) = scores_of(loss)
    return found


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"label_smoothing": 0.1},
        {"weight": torch.tensor([1.0, 2.0, 3.0])},
        {"weight": torch.tensor([1.0, 2.0, 3.0]), "label_smoothing": 0.1},
        {"reduction": "sum"},
    ],
    ids=str,
)
def test_every_way_to_ask_for_a_cross_entropy_keeps_the_log_probabilities(options: dict[str, object]) -> None:
    x = draw(5, 3)

    found = only(F.cross_entropy(x, TARGETS, **options) / 3)  # type: ignore[arg-type]  # the options vary

    assert torch.equal(found.scores, F.log_softmax(x, 1))
    assert torch.equal(found.targets, TARGETS)
    assert (found.ignored, found.share) == (-100, 1.0)
    assert not found.scores.requires_grad


def test_a_class_that_does_not_count_is_known_by_its_number() -> None:
    assert only(F.cross_entropy(draw(5, 3), TARGETS.clamp_min(0), ignore_index=1)).ignored == 1


def test_losses_by_example_are_found_below_what_the_job_makes_of_them() -> None:
    x = draw(5, 3)

    assert torch.equal(only(F.cross_entropy(x, TARGETS, reduction="none").mean() * 2).scores, F.log_softmax(x, 1))


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 4, 5), (2, 3, 2, 2, 2)])
def test_each_place_of_a_picture_or_a_text_is_an_example(shape: tuple[int, ...]) -> None:
    x = draw(*shape)
    right = torch.randint(0, 3, (shape[0], *shape[2:]))

    found = only(F.cross_entropy(x, right))

    assert torch.equal(found.scores, F.log_softmax(x, 1).movedim(1, -1).reshape(-1, 3))
    assert torch.equal(found.targets, right.flatten())


def test_one_example_alone_is_one_row() -> None:
    found = only(F.cross_entropy(draw(3), torch.tensor(1)))

    assert (found.scores.shape, found.targets.shape) == ((1, 3), (1,))


@pytest.mark.parametrize("weight", [None, torch.tensor(2.0)])
def test_answers_with_two_sides_have_logits(weight: Tensor | None) -> None:
    x, y = draw(4, 2), torch.tensor([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0], [0.5, 1.0]])

    found = only(F.binary_cross_entropy_with_logits(x, y, pos_weight=weight))

    assert torch.equal(found.scores, x.flatten())
    assert torch.equal(found.targets, y.flatten())
    assert found.ignored is None


def test_sides_that_are_minus_one_and_one_become_zero_and_one() -> None:
    assert only(F.soft_margin_loss(draw(2), torch.tensor([-1.0, 1.0]))).targets.tolist() == [0.0, 1.0]


def test_the_losses_nearest_to_the_root_count_and_those_that_are_added_to_it_do_not() -> None:
    x, other = draw(5, 3), draw(4, 2)
    main, extra = F.cross_entropy(x, TARGETS), F.cross_entropy(other, torch.tensor([0, 1, 1, 0]))

    assert [s.scores.shape for s in scores_of(main + 0.4 * extra)] == [(5, 3)]
    assert [s.scores.shape for s in scores_of(main + extra)] == [(5, 3), (4, 2)]
    assert [s.scores.shape for s in scores_of([main, extra])] == [(5, 3), (4, 2)]


def test_of_many_examples_every_nth_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logits, "ROWS", 4)
    x, right = draw(10, 3), torch.arange(10) % 3
    flat, picture = only(F.cross_entropy(x, right)), only(F.cross_entropy(x.t()[None], right[None]))
    sides = only(F.binary_cross_entropy_with_logits(x[:, 0], torch.ones(10)))

    assert torch.equal(flat.scores, F.log_softmax(x, 1)[::3])
    assert torch.allclose(picture.scores, flat.scores)
    assert torch.equal(flat.targets, right[::3])
    assert torch.equal(picture.targets, flat.targets)
    assert flat.share == picture.share == sides.share == 0.4
    assert torch.equal(sides.scores, x[::3, 0])


def test_of_many_classes_fewer_examples_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logits, "ENTRIES", 9)

    # Three at most; of ten the step is 7, the next one from 4 on that has no factor in common with ten.
    assert only(F.cross_entropy(draw(10, 3), torch.arange(10) % 3)).scores.shape == (2, 3)


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: x.square().mean(),
        lambda x: F.cross_entropy(x, torch.softmax(x.detach(), 1)),  # no example has a right class
        lambda x: F.cross_entropy(x[:, :1], torch.zeros(5, dtype=torch.long)),
        lambda x: x.detach().sum(),
        lambda x: "no tensor",
    ],
)
def test_where_there_is_no_such_loss_nothing_is_found(loss: object) -> None:
    assert callable(loss)
    assert scores_of(loss(draw(5, 3))) == []


def test_a_loss_deep_in_the_graph_is_not_searched_for() -> None:
    loss = F.cross_entropy(draw(5, 3), TARGETS)
    for _ in range(100):
        loss = loss * 1.0

    assert scores_of(loss) == []


def test_what_would_have_to_be_computed_again_is_not_read() -> None:
    runs = []

    def forward(x: Tensor) -> Tensor:
        runs.append(1)
        return F.cross_entropy(2 * x, TARGETS)

    loss = checkpoint(forward, draw(5, 3), use_reentrant=False)

    assert scores_of(loss) == []
    assert len(runs) == 1


def test_what_the_job_keeps_elsewhere_is_not_fetched() -> None:
    with torch.autograd.graph.save_on_cpu():
        loss = F.cross_entropy(draw(5, 3), TARGETS)

    assert scores_of(loss) == []


def test_a_graph_that_is_gone_has_nothing_to_read() -> None:
    loss = F.cross_entropy(draw(5, 3), TARGETS)
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped

    assert scores_of(loss) == []


def test_scores_that_were_written_over_are_not_read() -> None:
    scores = F.log_softmax(draw(5, 3), 1)
    loss = F.nll_loss(scores, TARGETS)
    scores.detach().zero_()

    assert scores_of(loss) == []


def test_margins_hold_neither_the_scores_nor_the_graph() -> None:
    loss = F.cross_entropy(draw(5, 3), TARGETS)
    found = only(loss)
    held = weakref.ref(found.scores)
    margins, slacks = margins_of_classes(found.scores, found.targets, -100)

    del found

    assert held() is None
    assert margins.untyped_storage().nbytes() == slacks.untyped_storage().nbytes() == 20
