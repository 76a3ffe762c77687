"""Where calls of a model are heard, and that nothing is compiled again for it."""

import copy
import gc
import io
import pickle
from collections.abc import Callable, Mapping
from weakref import ref

import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.utils import counters
from torch.nn.modules import module as modules

from ergoscope.hearing.entrance import Entrance
from tests.agent.jobs import mlp

X = torch.ones(4, 8)
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, from compiling on some Pythons


class Own(nn.Module):
    """A module of the user's, which dynamo enters in another way than torch's own containers."""

    def __init__(self) -> None:
        """Make its layers."""
        super().__init__()
        self.net = mlp()

    def forward(self, x: Tensor, *, scale: float = 1.0) -> Tensor:
        """Map (n, 8) to (n, 4)."""
        out: Tensor = self.net(x) * scale
        return out


class Log:
    """What was told."""

    def __init__(self) -> None:
        """Begin empty."""
        self.calls: list[tuple[tuple[object, ...], dict[str, object], object]] = []
        self.given: list[tuple[tuple[object, ...], dict[str, object]]] = []

    @property
    def entered(self) -> int:
        """How often a call began."""
        return len(self.given)

    def enter(self, args: tuple[object, ...], kwargs: Mapping[str, object] | None) -> None:
        """Keep."""
        assert kwargs is not None
        self.given.append((args, dict(kwargs)))

    def leave(self, output: object) -> None:
        """Keep."""
        self.calls.append((*self.given[-1], output))


@pytest.fixture(autouse=True)
def nothing_compiled_yet() -> None:
    torch._dynamo.reset()
    counters.clear()


def compiled(model: nn.Module) -> Callable[..., Tensor]:
    return torch.compile(model, backend="aot_eager")


def in_place(model: nn.Module) -> Callable[..., Tensor]:
    model.compile(backend="aot_eager")
    return model


def hear(model: nn.Module, call: Callable[[], object]) -> tuple[Log, str]:
    log, entrance = Log(), Entrance(model)
    reason = entrance.open(log.enter, log.leave)
    call()
    entrance.close()
    return log, reason


@pytest.mark.parametrize("make", [mlp, Own])
@pytest.mark.parametrize("given", ["compiled", "bare"])
def test_a_compiled_model_is_heard_wherever_it_is_kept_and_not_compiled_again(
    make: Callable[[], nn.Module], given: str
) -> None:
    model = make()
    run = compiled(model)
    run(X)
    before = {name: dict(values) for name, values in counters.items()}

    log, reason = hear(run if given == "compiled" else model, lambda: run(X))  # type: ignore[arg-type]  # a module
    run(X)

    assert reason == ""
    assert log.entered == 1
    assert [(args[0] is X, kwargs) for args, kwargs, _ in log.calls] == [(True, {})]
    assert {name: dict(values) for name, values in counters.items()} == before


@pytest.mark.parametrize("make", [mlp, Own])
def test_a_model_compiled_in_place_is_heard_and_not_compiled_again(make: Callable[[], nn.Module]) -> None:
    model = make()
    run = in_place(model)
    run(X)
    before = {name: dict(values) for name, values in counters.items()}

    log, reason = hear(model, lambda: run(X))
    run(X)

    assert reason == ""
    assert len(log.calls) == 1
    assert {name: dict(values) for name, values in counters.items()} == before


def test_a_model_as_it_is_written_is_heard_with_what_it_is_given_by_name() -> None:
    model = Own()

    log, reason = hear(model, lambda: model(X, scale=2.0))

    assert reason == ""
    assert log.entered == 1
    ((args, kwargs, output),) = log.calls
    assert args[0] is X
    assert kwargs == {"scale": 2.0}
    assert isinstance(output, Tensor)
    assert not modules._has_any_global_hook()


def test_where_something_else_is_compiled_a_model_as_it_is_written_is_not_heard() -> None:
    torch.compile(lambda x: x.sin(), backend="aot_eager")(X)
    model = Own()

    log, reason = hear(model, lambda: model(X))

    assert reason == "a part of the job is compiled, and would be compiled again for what listens"
    assert log.calls == []


def test_where_a_part_of_it_is_compiled_in_place_it_is_not_heard() -> None:
    model = Own()
    model.net.compile(backend="aot_eager")

    log, reason = hear(model, lambda: model(X))

    assert reason.startswith("a part of the job is compiled")
    assert log.calls == []


@pytest.mark.parametrize("make", [compiled, in_place])
def test_what_is_saved_or_copied_meanwhile_is_as_ever(make: Callable[[nn.Module], nn.Module]) -> None:
    model, log = Own(), Log()
    run = make(model)
    run(X)
    entrance = Entrance(run)
    entrance.open(log.enter, log.leave)

    twin = copy.deepcopy(run)
    buffer = io.BytesIO()
    if make is in_place:  # what torch.compile gives cannot be saved whole, with or without us
        pickle.dump(model, buffer)
    torch.save(model.state_dict(), buffer)
    twin(X)
    entrance.close()

    assert log.calls == []
    assert b"ergoscope" not in buffer.getvalue()
    assert [type(value).__module__ for value in vars(twin).values()] == [
        type(value).__module__ for value in vars(copy.deepcopy(run)).values()
    ]


def test_afterwards_all_is_in_its_place() -> None:
    model = Own()
    run = torch.compile(model, backend="aot_eager")
    run(X)
    before = vars(run)["forward"]

    hear(model, lambda: run(X))

    assert vars(run)["forward"] is before


def test_somebody_who_wraps_ours_meanwhile_stays_and_nothing_more_is_told() -> None:
    model, log = Own(), Log()
    run = torch.compile(model, backend="aot_eager")
    run(X)
    entrance = Entrance(model)
    entrance.open(log.enter, log.leave)
    ours = vars(run)["forward"]
    run.forward = lambda *args: ours(*args)

    entrance.close()
    run(X)

    assert log.calls == []
    assert vars(run)["forward"] is not ours


@pytest.mark.parametrize("first", [0, 1])
def test_two_that_listen_at_once_may_stop_in_any_order(first: int) -> None:
    model, logs = Own(), [Log(), Log()]
    run = torch.compile(model, backend="aot_eager")
    run(X)
    before = vars(run)["forward"]
    entrances = [Entrance(model), Entrance(model)]
    for entrance, log in zip(entrances, logs, strict=True):
        entrance.open(log.enter, log.leave)

    run(X)
    entrances[first].close()
    run(X)
    entrances[1 - first].close()

    assert [len(logs[first].calls), len(logs[1 - first].calls)] == [1, 2]
    assert vars(run)["forward"] is before


def test_an_error_of_the_model_passes_and_is_no_call() -> None:
    model, log = Own(), Log()
    run = torch.compile(model, backend="eager")
    run(X)
    entrance = Entrance(model)
    entrance.open(log.enter, log.leave)

    with pytest.raises(RuntimeError):
        run(torch.ones(4, 9))
    entrance.close()

    assert (log.entered, log.calls) == (1, [])


def test_a_compiled_function_around_a_compiled_model_is_not_compiled_again() -> None:
    model = Own()
    run = torch.compile(model, backend="aot_eager")
    outer = torch.compile(lambda x: run(x) + 1, backend="aot_eager")
    run(X)
    outer(X)
    before = {name: dict(values) for name, values in counters.items()}

    hear(model, lambda: outer(X))
    outer(X)

    assert {name: dict(values) for name, values in counters.items()} == before


def test_what_compiles_a_model_is_searched_for_once_for_all_who_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    model, searched = Own(), list[int]()
    run = compiled(model)
    run(X)
    everything = gc.get_objects
    monkeypatch.setattr(gc, "get_objects", lambda: searched.append(0) or everything())

    logs = [hear(model, lambda: run(X))[0] for _ in range(2)]

    assert [log.entered for log in logs] == [1, 1]
    assert len(searched) == 1


def test_among_too_many_objects_it_is_not_searched_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ergoscope.hearing.entrance._MOST", 0)
    model = Own()
    run = compiled(model)
    run(X)

    log, reason = hear(model, lambda: run(X))

    assert log.calls == []
    assert reason == (
        "the process holds too many objects to look among them for what compiles it; give the compiled model to watch"
    )


def test_a_search_keeps_neither_the_model_nor_what_compiles_it() -> None:
    model = Own()
    run = compiled(model)
    run(X)
    entrance = Entrance(model)
    entrance.open(Log().enter, Log().leave)
    entrance.close()
    seen = [ref(model), ref(run)]

    del model, run, entrance
    torch._dynamo.reset()
    gc.collect()

    assert [one() for one in seen] == [None, None]
