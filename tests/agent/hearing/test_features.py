"""What entered the last linear layer, held against the scores of the loss."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # as everybody calls it

from ergoscope.hearing import logits
from ergoscope.hearing.features import NOT_THE_HEAD, Features, alike, head_of
from ergoscope.hearing.listening import Ear
from ergoscope.hearing.logits import Scores, scores_of
from tests.agent.jobs import conv, gpt, mlp


def ear() -> Ear:
    return Ear(lambda entry: entry, charge=lambda seconds: None, clock=lambda: 0.0)


def heard(model: nn.Module, given: Tensor, targets: Tensor) -> tuple[Features, Tensor | str, Scores]:
    head = head_of(model)
    assert head is not None
    features, listens = Features(head), ear()
    features.arm(listens)
    scores = model(given)
    loss = F.cross_entropy(scores.flatten(0, -2), targets.flatten())
    listens.close()
    (found,) = scores_of(loss)
    return features, features.take(found), found


def test_the_head_is_the_last_linear_layer() -> None:
    for model in (mlp(), conv(), gpt()):
        assert head_of(model) is list(model.children())[-1]
    assert head_of(nn.Sequential(nn.ReLU())) is None


def test_features_are_told_with_the_scores_that_they_make() -> None:
    torch.manual_seed(0)
    model, given = mlp(), torch.randn(16, 8)

    features, found, scores = heard(model, given, torch.randint(0, 4, (16,)))

    assert isinstance(found, Tensor)
    assert torch.equal(found, model[:2](given))
    assert alike(float(features.misfit(found, scores.scores)))
    assert not alike(float(features.misfit(found.flip(0), scores.scores)))


def test_of_texts_every_token_is_an_example() -> None:
    torch.manual_seed(0)
    tokens = torch.randint(0, 32, (4, 9))

    features, found, scores = heard(gpt(), tokens, tokens)

    assert isinstance(found, Tensor)
    assert found.shape == (36, 16)
    assert alike(float(features.misfit(found, scores.scores)))


def test_of_many_examples_the_same_ones_are_taken_as_of_the_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logits, "ROWS", 10)
    monkeypatch.setattr("ergoscope.hearing.features.ROWS", 10)
    torch.manual_seed(0)

    features, found, scores = heard(mlp(), torch.randn(64, 8), torch.randint(0, 4, (64,)))

    assert isinstance(found, Tensor)
    assert len(found) == len(scores.scores) <= 10
    assert alike(float(features.misfit(found, scores.scores)))


def test_half_precision_is_alike_enough() -> None:
    torch.manual_seed(0)
    model = mlp()
    with torch.autocast("cpu", torch.bfloat16):
        features, found, scores = heard(model, torch.randn(16, 8), torch.randint(0, 4, (16,)))

    assert isinstance(found, Tensor)
    assert found.dtype == torch.float32
    assert alike(float(features.misfit(found, scores.scores)))


def test_what_was_not_heard_or_twice_or_of_another_size_says_so() -> None:
    model = mlp()
    scores = Scores(torch.zeros(16, 4), torch.zeros(16), -100, 1.0)
    head = head_of(model)
    assert head is not None
    features, listens = Features(head), ear()

    silent = features.take(scores)
    features.arm(listens)
    model(torch.randn(16, 8)), model(torch.randn(16, 8))
    twice = features.take(scores)
    model(torch.randn(15, 8))
    other = features.take(scores)
    model.eval()(torch.randn(16, 8))
    tested = features.take(scores)
    listens.close()

    assert (
        silent == tested == "the last linear layer was not heard: it is compiled, or its step was not a training step"
    )
    assert twice == "the last linear layer was called 2 times before one backward pass"
    assert other == NOT_THE_HEAD


def test_what_is_no_batch_of_features_is_not_kept() -> None:
    model = mlp()
    head = head_of(model)
    assert head is not None
    features, listens = Features(head), ear()

    features.arm(listens)
    model(torch.randn(8))
    found = features.take(Scores(torch.zeros(1, 4), torch.zeros(1), -100, 1.0))
    listens.close()

    assert isinstance(found, str)
