"""How much memory there is, and how much a reading takes."""

import math
from pathlib import Path

import pytest
import torch

from ergoscope.curvature.room import lasting, needed, spare

CPU = torch.device("cpu")


def test_of_the_host_it_is_what_linux_says_is_available(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:  9000 kB\nMemFree:  10 kB\nMemAvailable:  300 kB\n")

    assert spare(CPU, meminfo=meminfo) == 300 * 1024


@pytest.mark.parametrize("text", [None, "MemTotal: 9000 kB\n"])
def test_where_it_is_not_said_nothing_is_held_back(tmp_path: Path, text: str | None) -> None:
    meminfo = tmp_path / "meminfo"
    if text is not None:
        meminfo.write_text(text)

    assert spare(CPU, meminfo=meminfo) == math.inf


def test_of_other_devices_nothing_is_known() -> None:
    assert spare(torch.device("meta")) == math.inf


def test_of_a_gpu_it_is_what_is_free_and_what_torch_keeps_unused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (100, 1000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 50)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: 20)
    device = torch.device("cuda", 0)

    assert spare(device) == 130
    assert needed(10, 3, device) == 4 * 10 * 3 + 20


def test_on_the_host_vectors_count_twice() -> None:
    assert needed(10, 3, CPU) == 2 * 4 * 10 * 3


def test_what_is_kept_must_fit_beside_the_most_that_was_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (100, 1000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 50)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda _: 30)
    device = torch.device("cuda", 0)

    assert lasting(10, 3, device)
    assert not lasting(10, 4, device)


def test_of_the_host_nothing_more_is_known() -> None:
    assert lasting(1 << 40, 1 << 10, CPU)
