"""The fence: nothing gets out, nothing gets in twice, and it counts."""

import os
import threading

import pytest
import torch

from ergoscope.fence import Fence


def make(**options: int) -> tuple[Fence, list[tuple[str, bool]]]:
    said: list[tuple[str, bool]] = []
    return Fence(report=lambda text, last: said.append((text, last)), clock=lambda: 0.0, **options), said


def test_three_errors_close_it() -> None:
    fence, said = make()
    calls: list[int] = []

    def fail() -> None:
        calls.append(1)
        raise ValueError("broken")

    guarded = fence.guard(fail)
    for _ in range(5):
        guarded()

    assert len(calls) == fence.errors == 3
    assert fence.dead
    assert [last for _, last in said] == [False, False, True]
    assert said[0][0].startswith("ValueError: broken (fail, line ")


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_is_meant_for_the_program_passes(kind: type[BaseException]) -> None:
    fence, said = make()

    def stop() -> None:
        raise kind

    with pytest.raises(kind):
        fence.guard(stop)()

    assert not said
    assert fence.guard(lambda: None)() is None


def test_work_that_comes_back_to_it_on_the_same_thread_is_let_through() -> None:
    fence, _ = make()
    depth: list[int] = []

    def enter() -> None:
        depth.append(1)
        guarded()

    guarded = fence.guard(enter)
    guarded()
    guarded()

    assert len(depth) == 2


def test_another_thread_may_enter_meanwhile() -> None:
    fence, _ = make()
    seen: list[str] = []
    inner = fence.guard(lambda: seen.append("inner"))

    def outer() -> None:
        thread = threading.Thread(target=inner)
        thread.start()
        thread.join()

    fence.guard(outer)()

    assert seen == ["inner"]


def test_it_books_the_time_inside() -> None:
    times = iter([1.0, 1.25, 5.0, 5.5])
    fence = Fence(report=lambda text, last: None, clock=lambda: next(times))
    guarded = fence.guard(lambda: None)

    guarded()
    guarded()

    assert fence.spent == 0.75


def test_a_tracing_compiler_finds_nothing_to_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    fence, _ = make()
    calls: list[int] = []

    fence.guard(lambda: calls.append(1))()

    assert not calls


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_it_is_dead_in_a_forked_child_only() -> None:
    fence, _ = make()

    child = os.fork()
    if not child:
        os._exit(0 if fence.dead else 1)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert not fence.dead


def test_a_report_that_fails_closes_it() -> None:
    def fail(text: str, last: bool) -> None:
        raise OSError("no outlet")

    fence = Fence(report=fail, clock=lambda: 0.0)

    def broken() -> None:
        raise ValueError

    fence.guard(broken)()

    assert fence.dead
