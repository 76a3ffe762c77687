"""What a guarded pass leaves behind: nothing."""

import random
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # as everybody calls it

from ergoscope.curvature.guard import TooManyMembersError, guarded, probing, ran_out_of_memory
from tests.agent.jobs import everything, generators, image_batch, same_bits, seed


class Restless(nn.Module):
    """A net whose forward pass changes whatever a forward pass can."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.2))
        self.head = nn.Linear(4 * 36, 4)
        self.calls = 0
        self.register_buffer("noise", torch.zeros(3))
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("fades", torch.zeros(1).expand(5))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.cache = x.mean()
        self.noise = torch.randn(5)
        self.mean.mul_(0.9).add_(0.1 * x.mean() + random.random() + np.random.rand())
        self.fades[:1].add_(1.0)
        return self.head(self.features(x).flatten(1)) * (1 + 0.01 * self.mean)  # type: ignore[no-any-return]  # a tensor


Probe = Callable[[nn.Module], None]
BATCH = torch.linspace(-1, 1, 6 * 64).view(6, 1, 8, 8)


def trained(probe: Probe | None, *, prepare: Callable[[nn.Module], object] = lambda model: None) -> list[Tensor]:
    seed(0)
    model = Restless()
    prepare(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(10):
        x, y = image_batch()
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        if probe is not None:
            probe(model)
        optimizer.step()
        if probe is not None:
            probe(model)
    return [*everything(model, [optimizer]), torch.tensor(model.calls), model.cache]


def forward(model: nn.Module) -> None:
    with guarded(model, seed=0), torch.no_grad():
        model(BATCH)


def evaluation(model: nn.Module) -> None:
    with guarded(model):
        model.eval()
        model(BATCH)


def backward(model: nn.Module) -> None:
    with guarded(model):
        model(BATCH).square().mean().backward()


def curvature(model: nn.Module) -> None:
    with guarded(model, seed=1):
        parameters = list(model.parameters())
        loss = F.cross_entropy(model(BATCH), torch.zeros(6, dtype=torch.long))
        grads = torch.autograd.grad(loss, parameters, create_graph=True)
        torch.autograd.grad(grads, parameters, [g.detach() for g in grads])


def failing(model: nn.Module) -> None:
    def fail(*_: object) -> None:
        raise ValueError("mid-way")

    handle = model.get_submodule("head").register_forward_pre_hook(fail)
    with pytest.raises(ValueError, match="mid-way"), guarded(model, seed=0):
        model.train(False)
        torch.set_grad_enabled(False)
        model(BATCH)
    handle.remove()


def rebuilding(model: nn.Module) -> None:
    with guarded(model):
        model.get_submodule("features").requires_grad_(False)
        model.add_module("head", nn.Linear(4 * 36, 4))
        del model.mean
        model.register_buffer("mean", torch.ones(()))
        model.get_buffer("features.1.running_mean").data = torch.ones(7)
        model.get_buffer("features.1.running_var").fill_(3.0)


@pytest.mark.parametrize("prepare", [nn.Module.train, nn.Module.eval], ids=["train", "eval"])
@pytest.mark.parametrize("probe", [forward, evaluation, backward, curvature, failing, rebuilding])
def test_training_with_guarded_passes_at_every_step_is_the_same(
    probe: Probe, prepare: Callable[[nn.Module], object]
) -> None:
    expected = trained(None, prepare=prepare)

    assert same_bits(trained(probe, prepare=prepare), expected)


def test_training_with_passes_that_are_not_guarded_is_another() -> None:
    def bare(model: nn.Module) -> None:
        model(BATCH)

    assert not same_bits(trained(bare), trained(None))


def test_flags_of_modules_that_differ_stay_as_they_were() -> None:
    def freeze(model: nn.Module) -> None:
        model.get_submodule("features.1").eval()

    def switching(model: nn.Module) -> None:
        with guarded(model):
            model.train()
            model(BATCH)
        assert [m.training for m in model.modules()] == [True, True, True, False, True, True, True]

    expected = trained(None, prepare=freeze)

    assert same_bits(trained(switching, prepare=freeze), expected)


def test_equal_seeds_draw_equal_masks_and_none_goes_on_with_the_jobs() -> None:
    seed(5)
    model, drawn = nn.Dropout(0.5), []
    for number in (7, 7, 8, None):
        with guarded(model, seed=number):
            drawn.append((model(torch.ones(64)), random.random(), np.random.rand()))

    first, second, third, own = drawn
    assert torch.equal(first[0], second[0])
    assert first[1:] == second[1:]
    assert not torch.equal(first[0], third[0])
    assert torch.equal(own[0], model(torch.ones(64)))  # the job draws just this next
    assert own[1:] == (random.random(), np.random.rand())


def test_a_generator_of_numpy_that_cannot_be_seeded_is_put_back() -> None:
    kept = np.random.get_bit_generator()
    np.random.set_bit_generator(np.random.PCG64(3))
    try:
        with guarded(nn.Identity(), seed=0):
            drawn = np.random.rand()
        again = np.random.rand()
    finally:
        np.random.set_bit_generator(kept)

    assert drawn == again


def test_buffers_and_gradients_are_the_same_objects_as_before() -> None:
    model = Restless()
    model(BATCH).mean().backward()
    model.head.bias.grad = None
    before = [*model.buffers(), *(p.grad for p in model.parameters())]
    names = [name for name, _ in model.named_buffers()]
    inside: list[Tensor | None] = []

    with guarded(model):
        model(BATCH)
        inside += [p.grad for p in model.parameters()]
    rebuilding(model)

    after = [*model.buffers(), *(p.grad for p in model.parameters())]
    assert all(a is b for a, b in zip(after, before, strict=True))
    assert inside == [None] * len(inside)
    assert [name for name, _ in model.named_buffers()] == names


def test_a_graph_of_the_job_that_holds_a_buffer_can_still_be_followed() -> None:
    class Codes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("codes", torch.ones(3))

        def forward(self, x: Tensor) -> Tensor:
            out = x * self.codes.clone()
            self.codes.mul_(0.5)
            return out

    model, x = Codes(), torch.ones(3, requires_grad=True)
    product = x * model.codes  # holds the buffer itself
    with guarded(model):
        model(x)

    product.sum().backward()

    assert x.grad is not None
    assert torch.equal(x.grad, torch.ones(3))


def test_copies_that_autocast_makes_without_gradients_do_not_stay() -> None:
    model = nn.Linear(4, 4)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        with guarded(model), torch.no_grad():
            model(torch.ones(2, 4))
        model(torch.ones(2, 4)).sum().backward()

    assert model.weight.grad is not None
    assert torch.is_autocast_cache_enabled()


def test_what_is_compiled_runs_as_written_and_is_not_compiled_again() -> None:
    graphs: list[int] = []

    def count(graph: torch.fx.GraphModule, _: Sequence[Tensor]) -> Callable[..., object]:
        graphs.append(1)
        return graph.forward

    model = nn.Sequential(nn.Linear(4, 4))
    model.compile(backend=count)
    model(torch.ones(2, 4))
    before = len(graphs)

    with guarded(model), torch.no_grad():
        model(torch.ones(3, 4))
    after = len(graphs)
    model(torch.ones(2, 4))

    assert after == before == len(graphs)


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_a_scripted_model_is_put_back() -> None:
    model = torch.jit.script(nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5)))
    before = [b.clone() for b in model.buffers()]

    with guarded(model):
        model(torch.randn(8, 4))
        model.eval()

    assert same_bits(list(model.buffers()), before)
    assert all(module.training for module in model.modules())


def test_it_is_known_while_it_lasts_also_inside_of_another() -> None:
    model = nn.Identity()
    seen = [probing()]
    with guarded(model):
        with guarded(model):
            seen.append(probing())
        seen.append(probing())
    seen.append(probing())

    assert seen == [False, True, True, False]


def test_an_interrupt_passes_and_everything_is_put_back() -> None:
    seed(1)
    before, model = generators(), Restless()
    after_init = generators()

    with pytest.raises(KeyboardInterrupt), guarded(model, seed=0):
        model(BATCH)
        raise KeyboardInterrupt

    assert same_bits(generators(), after_init)
    assert not same_bits(before, after_init)
    assert model.calls == 0


@pytest.mark.parametrize(
    ("error", "is_so"),
    [
        (torch.cuda.OutOfMemoryError("CUDA out of memory."), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (RuntimeError("MPS backend out of memory"), True),
        (RuntimeError("shapes do not fit"), False),
        (KeyError("out of memory"), False),
    ],
)
def test_a_lack_of_memory_is_told_from_other_errors(error: Exception, is_so: bool) -> None:
    assert ran_out_of_memory(error) == is_so


def test_a_model_that_keeps_a_vocabulary_is_not_run_and_the_reason_is_told() -> None:
    model = nn.Linear(2, 2)
    model.words = {str(number): number for number in range(8192)}  # type: ignore[assignment]  # as users do
    with guarded(model):
        pass
    model.more = [0]  # type: ignore[assignment]  # as users do

    with pytest.raises(TooManyMembersError, match="its modules keep 8,193 members in lists and dict"), guarded(model):
        pass
