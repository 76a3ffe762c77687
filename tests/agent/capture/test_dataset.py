"""What the data loaders of a job say, without any code of the user's."""

import gc
import sys
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    Sampler,
    Subset,
    TensorDataset,
)

import ergoscope
from ergoscope.capture.dataset import MOST, describe_data
from tests.agent.fake_server import FakeServer

ROWS = TensorDataset(torch.zeros(100, 3), torch.zeros(100))


@pytest.fixture(autouse=True)
def _no_loader_of_another_test() -> None:
    gc.collect()


class Own(Dataset[int]):
    """A user's own data, whose every method is none of our business."""

    def __len__(self) -> int:
        raise AssertionError("its length was asked for")

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"{name} was asked for")

    def __eq__(self, other: object) -> bool:
        raise AssertionError("it was compared")

    __hash__ = None  # type: ignore[assignment]  # likewise


class Stream(IterableDataset[int]):
    """Without a length."""

    def __iter__(self) -> Iterator[int]:
        return iter(range(3))


class Odd(Sampler[int]):
    """An order of the user's own."""

    def __iter__(self) -> Iterator[int]:
        return iter([0])


def described() -> list[dict[str, object]]:
    return [
        {key: value for key, value in facts.items() if key not in {"drop_last", "workers"}}
        for facts in describe_data(None)
    ]


def test_a_loader_is_told_by_its_variable_its_class_and_its_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    loader = DataLoader(ROWS, batch_size=32, shuffle=True, drop_last=True)
    monkeypatch.setitem(globals(), "train_data", loader)
    unnamed = DataLoader(ROWS, batch_size=64)

    assert describe_data(sys._getframe()) == [
        {
            "name": "train_data",
            "dataset": "TensorDataset",
            "rows": 100,
            "batch_size": 32,
            "shuffle": True,
            "drop_last": True,
            "workers": 0,
        },
        {"dataset": "TensorDataset", "rows": 100, "batch_size": 64, "shuffle": False, "drop_last": False, "workers": 0},
    ]
    del unnamed


@pytest.mark.parametrize(
    ("make", "dataset", "rows"),
    [
        (lambda: Subset(ROWS, range(7)), "Subset", 7),
        (lambda: Subset(ROWS, [1, 2]), "Subset", 2),
        (lambda: Subset(ROWS, np.arange(5)), "Subset", 5),  # type: ignore[arg-type]  # people do
        (lambda: ConcatDataset([ROWS, ROWS]), "ConcatDataset", 200),
        (lambda: [1, 2, 3], "list", 3),
        (lambda: torch.zeros(4, 2), "Tensor", 4),
        (Stream, "tests.Stream", None),
    ],
)
def test_rows_are_told_where_no_code_has_to_run_for_it(
    make: Callable[[], Dataset[object]], dataset: str, rows: int | None
) -> None:
    loader = DataLoader(make())

    (facts,) = described()

    assert (facts["dataset"], facts.get("rows")) == (dataset, rows)
    del loader


def test_no_code_of_the_users_runs() -> None:
    loader = DataLoader(Own(), sampler=Odd())

    assert described() == [{"dataset": "tests.Own", "batch_size": 1, "sampler": "tests.Odd"}]
    del loader


def test_the_order_and_the_size_of_a_batch_are_told_by_who_decides_on_them() -> None:
    spread = DataLoader(ROWS, sampler=DistributedSampler(ROWS, num_replicas=2, rank=0, shuffle=True))
    batched = DataLoader(ROWS, batch_sampler=BatchSampler(RandomSampler(ROWS), batch_size=9, drop_last=True))
    streamed = DataLoader(Stream(), batch_size=None)

    facts = sorted(described(), key=lambda one: int(str(one.get("batch_size", 0))))

    assert facts[0] == {"dataset": "tests.Stream"}
    assert facts[1]["shuffle"] is True
    assert (facts[2]["batch_size"], facts[2]["shuffle"]) == (9, True)
    del spread, batched, streamed


def test_the_share_of_a_process_is_told_by_the_whole_and_a_ring_of_shares_ends() -> None:
    class Share(BatchSampler):
        """As Accelerate has it; around itself when nothing is given."""

        def __init__(self, whole: BatchSampler | None = None) -> None:
            self.batch_sampler = whole or self

    shared = DataLoader(ROWS, batch_sampler=Share(BatchSampler(RandomSampler(ROWS), batch_size=9, drop_last=True)))
    ring = DataLoader(ROWS, batch_sampler=Share())

    facts = sorted(described(), key=len)

    assert facts[0] == {"dataset": "TensorDataset", "rows": 100}
    assert (facts[1]["batch_size"], facts[1]["shuffle"]) == (9, True)
    del shared, ring


def test_a_data_set_of_the_hub_says_its_rows_after_a_selection() -> None:
    class Table:
        num_rows = 50

    kind = type("Dataset", (), {"__module__": "datasets.arrow_dataset"})
    data = kind()
    data._indices, data._data = None, Table()

    loader = DataLoader(data)

    assert [facts["rows"] for facts in described()] == [50]
    del loader


def test_what_stands_in_the_files_of_torchvision_counts_when_it_agrees() -> None:
    kind = type("Digits", (), {"__module__": "torchvision.datasets.mnist", "__len__": lambda self: 0})
    agreed, torn = kind(), kind()
    agreed.data, agreed.targets, agreed.root = torch.zeros(6, 2), [0] * 6, "/home/me/data"
    torn.data, torn.targets = torch.zeros(6, 2), [0] * 5

    first, second = DataLoader(agreed), DataLoader(torn)

    assert [facts.get("rows") for facts in described()] in ([6, None], [None, 6])
    assert "/home/me" not in str(described())
    del first, second


def test_equal_loaders_of_one_data_set_are_told_once_and_many_are_cut() -> None:
    equal = [DataLoader(ROWS, batch_size=4) for _ in range(3)]
    assert len(described()) == 1

    many = [DataLoader(ROWS, batch_size=5 + size) for size in range(20)]
    assert len(described()) == MOST
    del equal, many


def test_without_pytorchs_data_module_there_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch.utils.data")

    assert describe_data(None) == []


@pytest.mark.parametrize("given", [{}, {"data": "digits"}])
def test_a_watched_run_tells_it_unless_the_user_has_said_something_or_wants_nothing_told(
    given: dict[str, object], server: FakeServer, surroundings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader = DataLoader(ROWS, batch_size=20)
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    with ergoscope.watch(model, optimizer, base_url=server.url, config=given, save_code=True) as run:
        told = run.config["data"]
    with ergoscope.watch(model, optimizer, base_url=server.url, save_code=False) as quiet:
        assert "data" not in quiet.config

    first = {"dataset": "TensorDataset", "rows": 100, "batch_size": 20, "shuffle": False}
    assert told == ("digits" if given else [{**first, "drop_last": False, "workers": 0}])
    del loader
