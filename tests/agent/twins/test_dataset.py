"""What a twin is given to train on."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import ergoscope
from ergoscope.errors import SettingError
from ergoscope.twins.asked import VARIABLE, Asked
from ergoscope.twins.dataset import chosen


def _in_a_twin(monkeypatch: pytest.MonkeyPatch, *, replace: int = 2, draw: int | None = 0) -> None:
    for name, value in Asked(replace, draw, 10, 0, "nowhere").environment().items():
        monkeypatch.setenv(name, value)


def test_outside_of_twins_it_is_the_very_same_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    data = object()

    assert ergoscope.twin(data) is data


def test_without_a_draw_the_last_examples_are_kept_back() -> None:
    assert chosen(6, replace=2, draw=None) == [0, 1, 2, 3]


@pytest.mark.parametrize("draw", range(5))
def test_with_a_draw_as_many_places_hold_examples_that_were_kept_back(draw: int) -> None:
    rows = chosen(100, replace=3, draw=draw)

    assert len(rows) == 97
    assert sum(row != place for place, row in enumerate(rows)) == 3
    assert {row for place, row in enumerate(rows) if row != place} == {97, 98, 99}
    assert rows == chosen(100, replace=3, draw=draw)


def test_arrays_and_tuples_of_them_lose_rows_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    _in_a_twin(monkeypatch, draw=None)
    x, y = torch.arange(12).reshape(6, 2), np.arange(6)

    inputs, targets = ergoscope.twin((x, y))

    assert torch.equal(inputs, x[:4])
    assert np.array_equal(targets, y[:4])
    assert torch.equal(ergoscope.twin(x), x[:4])


def test_a_dataset_is_seen_through_a_view_that_a_loader_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    _in_a_twin(monkeypatch)
    data = TensorDataset(torch.arange(10))

    seen = [int(x) for (batch,) in DataLoader(ergoscope.twin(data), batch_size=4) for x in batch]

    assert seen == chosen(10, replace=2, draw=0)


def test_data_without_a_length_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _in_a_twin(monkeypatch)

    with pytest.raises(
        SettingError, match=r"twin\(\) was given a generator; it must have a length and items, as a map-"
    ):
        ergoscope.twin(x for x in range(3))


def test_more_examples_to_keep_back_than_there_are_are_refused() -> None:
    with pytest.raises(SettingError, match=r"twin\(\) was given 2 examples, of which 2 are to be kept back; give more"):
        chosen(2, replace=2, draw=0)


def test_a_variable_that_holds_something_else_is_refused() -> None:
    with pytest.raises(
        SettingError, match="ERGOSCOPE_TWIN is 'yes'; `ergoscope twins` sets it for the processes that it"
    ):
        Asked.read({VARIABLE: "yes"})


def test_what_a_process_is_told_survives_the_environment() -> None:
    asked = Asked(2, 1, 10, 3, "/tmp/twin.npz")

    assert Asked.read(asked.environment()) == asked
    assert Asked.read({}) is None
