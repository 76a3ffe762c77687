"""How parameters are grouped."""

import pytest
from torch import Tensor, nn

from ergoscope.curvature.blocks import Block, blocks_of


class _Gpt(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(5, 4)
        self.blocks = nn.ModuleList([nn.Linear(4, 4) for _ in range(2)])
        self.head = nn.Linear(4, 5, bias=False)


def _names(blocks: list[Block]) -> list[tuple[str, int]]:
    return [(block.name, block.size) for block in blocks]


def test_the_whole_model_is_one_block_without_a_name() -> None:
    model = _Gpt()

    assert _names(blocks_of(model, model.parameters(), "model")) == [("", 20 + 2 * 20 + 20)]


def test_lists_of_layers_are_taken_apart() -> None:
    model = _Gpt()

    found = blocks_of(model, model.parameters(), "blocks")

    assert _names(found) == [("tokens", 20), ("blocks.0", 20), ("blocks.1", 20), ("head", 20)]


def test_a_model_inside_of_a_model_is_looked_into() -> None:
    outer = nn.Module()
    outer.model = _Gpt()

    found = blocks_of(outer, outer.parameters(), "blocks")

    assert [block.name for block in found] == ["model.tokens", "model.blocks.0", "model.blocks.1", "model.head"]


def test_the_last_is_the_last_module_with_parameters_of_its_own() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 1), nn.Tanh()))

    assert _names(blocks_of(model, model.parameters(), "last")) == [("1.0", 4)]


def test_frozen_and_foreign_parameters_are_left_out() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    model[0].weight.requires_grad_(False)
    trained: list[Tensor] = [model[0].weight, model[1].weight]

    assert _names(blocks_of(model, trained, "blocks")) == [("1", 3)]


def test_tied_parameters_are_counted_once() -> None:
    model = _Gpt()
    model.head.weight = model.tokens.weight

    found = blocks_of(model, model.parameters(), "blocks")

    assert _names(found) == [("tokens", 20), ("blocks.0", 20), ("blocks.1", 20)]


def test_parameters_of_the_model_itself_are_the_rest() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    model.register_parameter("scale", nn.Parameter(model[0].bias.detach().clone()))

    found = blocks_of(model, model.parameters(), "blocks")

    assert _names(found) == [("0", 9), ("1", 4), ("rest", 3)]


def test_another_scope_is_refused() -> None:
    model = nn.Linear(1, 1)

    with pytest.raises(ValueError, match="scope is 'layers'; it must be one of 'model', 'blocks', 'last'"):
        blocks_of(model, model.parameters(), "layers")  # type: ignore[arg-type]  # that is the point


def test_nothing_trained_is_refused() -> None:
    model = nn.Linear(1, 1).requires_grad_(False)

    with pytest.raises(ValueError, match="no real parameter of the model is trained, so there is nothing"):
        blocks_of(model, model.parameters(), "model")
