"""Which forward pass a loss comes from, what is kept of it, and for how long."""

import gc
import weakref
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.utils import counters
from torch.utils.checkpoint import checkpoint

from ergoscope.curvature.guard import guarded
from ergoscope.curvature.passes import Pass
from ergoscope.hearing import forward
from ergoscope.hearing.forward import ForwardPasses


@pytest.fixture(autouse=True)
def nothing_compiled_yet() -> None:
    counters.clear()


def passes_of(model: nn.Module) -> ForwardPasses:
    passes = ForwardPasses(model)
    passes.listen(lambda entry: entry)
    passes.open()
    return passes


def taken(model: nn.Module, loss: Callable[[], Tensor]) -> Pass | str:
    passes = passes_of(model)
    made = loss()
    return passes.take(made)


def x(rows: int = 4) -> Tensor:
    return torch.ones(rows, 3)


def test_the_pass_is_kept_by_reference_with_its_draws_and_casts() -> None:
    model, given = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5)), x()
    before = torch.get_rng_state()

    with torch.autocast("cpu", torch.bfloat16):
        found = taken(model, lambda: model(given).sum())

    assert isinstance(found, Pass)
    assert found.model is model
    assert found.args[0] is given
    assert found.generators[0][0] is torch.default_generator
    assert torch.equal(found.generators[0][1], before)
    assert found.drew
    assert found.casts[0].enabled
    assert not found.altered


def test_a_pass_without_draws_is_known_as_such() -> None:
    model = nn.Linear(3, 2)

    found = taken(model, lambda: model(x()).sum())

    assert isinstance(found, Pass)
    assert not found.drew


def test_of_several_passes_the_one_that_the_loss_comes_from_is_found() -> None:
    model = nn.Linear(3, 2)

    def loss() -> Tensor:
        with torch.no_grad():
            model(x(2))
        model(x(3))
        out: Tensor = model(x(4))
        model(x(5))
        return out.sum()

    found = taken(model, loss)

    assert isinstance(found, Pass)
    assert [len(one.value) for one in found.outputs] == [4]


def test_a_loss_of_several_passes_is_refused() -> None:
    model = nn.Linear(3, 2)

    assert taken(model, lambda: model(x()).sum() + model(x()).sum()) == "the loss comes from several of the same model"
    assert taken(model, lambda: model(model(x()) @ torch.ones(2, 3)).sum()) != ""


def test_without_a_pass_of_training_the_reason_is_told() -> None:
    model, other = nn.Linear(3, 2), nn.Linear(3, 2)

    def evaluated() -> Tensor:
        with torch.no_grad():
            model(x())
        return other(x()).sum()  # type: ignore[no-any-return]  # a tensor

    def measured() -> Tensor:
        with guarded(model):
            model(x())
        return other(x()).sum()  # type: ignore[no-any-return]  # a tensor

    def elsewhere() -> Tensor:
        model(x())
        return other(x()).sum()  # type: ignore[no-any-return]  # a tensor

    assert taken(model, evaluated) == "it was not heard"
    assert taken(model, measured) == "it was not heard"
    assert taken(model, elsewhere) == "the loss comes from none that was heard"


def test_a_checkpoint_that_is_made_again_is_no_pass_of_its_own() -> None:
    model = nn.Linear(3, 2)
    passes = passes_of(model)
    inputs = torch.ones(4, 3, requires_grad=True)

    checkpoint(model, inputs, use_reentrant=False).sum().backward()

    assert isinstance(passes.take(model(x()).sum()), Pass | str)
    assert not passes._passes


def test_what_was_made_beside_an_output_is_refused() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 2)

        def forward(self, given: Tensor) -> Tensor:
            first, self.second = self.layer(given).unbind(1)
            return first  # type: ignore[no-any-return]  # a tensor

    model = Two()

    def loss() -> Tensor:
        return model(x()).sum() + model.second.sum()  # type: ignore[no-any-return]  # a tensor

    assert taken(model, loss) == "the loss comes from something that the model made beside its output"


def test_of_many_passes_the_newest_are_known() -> None:
    model = nn.Linear(3, 2)

    def losses() -> list[Tensor]:
        return [model(x(rows)).sum() for rows in range(1, 6)]

    first, last = taken(model, lambda: losses()[0]), taken(model, lambda: losses()[-1])

    assert first == "the loss comes from none that was heard"
    assert isinstance(last, Pass)
    assert len(last.outputs[0].value) == 5


def test_where_memory_is_short_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Linear(3, 2)
    monkeypatch.setattr(forward, "spare", lambda _: 4 * 4 * 2 * 4.0 - 1)

    assert taken(model, lambda: model(x()).sum()) == "there was no memory to keep what it gave"


@pytest.mark.parametrize(
    "hook",
    [
        lambda model: model.register_forward_hook(lambda *_: None),
        lambda model: model.register_forward_pre_hook(lambda *_: None),
        lambda model: model.register_full_backward_hook(lambda *_: None),
        lambda model: nn.modules.module.register_module_forward_hook(lambda *_: None),
    ],
)
def test_hooks_of_the_jobs_own_are_in_the_way(hook: Callable[[nn.Module], torch.utils.hooks.RemovableHandle]) -> None:
    model = nn.Sequential(nn.Linear(3, 2))
    handle = hook(model)

    found = taken(model, lambda: model(x()).sum())
    handle.remove()

    assert found == "modules have hooks of the job's own, which would run once more"


def test_a_model_that_one_process_cannot_run_alone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Linear(3, 2)
    monkeypatch.setattr(forward, "obstacle_to", lambda _: "it waits")

    assert taken(model, lambda: model(x()).sum()) == "it waits"


def test_who_has_not_listened_has_nothing_to_say() -> None:
    model = nn.Linear(3, 2)
    silent, closed = ForwardPasses(model), passes_of(model)
    silent.open()
    closed.close()

    loss = model(x()).sum()

    assert silent.take(loss) == ""
    assert closed.take(loss) == ""


def test_nothing_is_held_after_the_look() -> None:
    model = nn.Linear(3, 2)
    passes = passes_of(model)
    given = x()
    output = model(given)
    loss = output.sum()
    seen = [weakref.ref(given), weakref.ref(output)]

    run = passes.take(loss)
    assert isinstance(run, Pass)
    del run, given, output, loss
    gc.collect()

    assert [one() for one in seen] == [None, None]


def test_nothing_is_held_when_no_backward_pass_comes() -> None:
    model = nn.Linear(3, 2)
    passes = passes_of(model)
    given = x()
    model(given)
    seen = weakref.ref(given)

    passes.close()
    del given
    gc.collect()

    assert seen() is None
