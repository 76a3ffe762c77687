"""Where a model's output was made, and which outputs have rows that are examples."""

import torch
from torch import Tensor, nn
from torch.nn.modules import module as modules

from ergoscope.hearing.course import Place
from ergoscope.hearing.exit import Exit


class Answers(nn.Module):
    """Gives back what a function makes of its input."""

    def __init__(self, answer: object) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, x: object) -> object:
        return self.answer(x)  # type: ignore[operator]  # a function


def found(model: nn.Module, *args: Tensor, times: int = 1, **kwargs: Tensor) -> Place | str:
    door = Exit(model)
    door.listen(lambda note: note)
    door.open()
    for _ in range(times):
        model(*args, **kwargs)
    place = door.found
    door.close()
    return place


def rows(count: int = 4) -> Tensor:
    return torch.ones(count, 3, requires_grad=True)


def test_the_node_of_a_tensor_is_found_with_its_rows() -> None:
    place = found(nn.Linear(3, 2), rows())

    assert isinstance(place, Place)
    assert (type(place.node).__name__, place.result, place.rows) == ("AddmmBackward0", 0, 4)


def test_logits_and_inputs_given_by_name_are_found() -> None:
    place = found(Answers(lambda x: {"logits": x * 2}), x=rows())

    assert isinstance(place, Place)


def test_outputs_without_rows_of_examples_are_refused() -> None:
    for answer, reason in (
        (lambda x: [x * 2], "the model's output is no tensor and has no logits"),
        (lambda x: x.sum(), "the model's output has less than two rows"),
        (lambda x: x[:1] * 2, "the model's output has less than two rows"),
        (lambda x: (x * 2).reshape(6, 2), "no input of the model has as many rows as its output"),
        (lambda x: (x * 2).to_sparse(), "the model's output is no plain tensor"),
    ):
        assert found(Answers(answer), rows()) == reason


def test_layers_with_the_batch_in_another_dimension_are_refused() -> None:
    model = nn.MultiheadAttention(4, 1)
    answer = Answers(lambda x: x * 2)
    answer.inner = model

    assert found(answer, rows()) == (
        "the model has layers with batch_first=False, so which dimension is the batch is not known"
    )


def test_only_one_pass_with_a_graph_counts() -> None:
    model = nn.Linear(3, 2)

    with torch.no_grad():
        assert found(model, rows()) == "the forward pass of the watched model was not seen"
    assert found(model, rows(), times=2) == "the model runs several times in one step"


def test_nothing_stays_in_torch() -> None:
    found(nn.Linear(3, 2), rows())

    assert not modules._has_any_global_hook()
