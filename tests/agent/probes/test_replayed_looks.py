"""Curvature of jobs whose graph cannot be differentiated twice, through the whole agent."""

import gc
import weakref
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.utils import counters
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.optim import SGD

from tests.agent.curvature.nets import KINDS, Problem
from tests.agent.curvature.test_graph import Cube
from tests.agent.curvature.test_ladder import RightCube, custom
from tests.agent.jobs import everything, same_bits
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.looks import said, train, watch

CLOSE = 1e-5  # relative, of sums of a few hundred terms in fp32
STEPS = 10  # looks at weights that stay: each goes on where the last one ended
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, from compiling on some Pythons


@pytest.fixture(autouse=True)
def nothing_compiled_yet() -> None:
    torch._dynamo.reset()
    counters.clear()


def top(problem: Problem, output: Callable[[Tensor], Tensor] | None = None) -> float:
    """The largest eigenvalue of the Hessian, by `torch.func`; `output` replaces a last function of the net's own."""
    names = [name for name, _ in problem.model.named_parameters()]
    shapes = [p.shape for p in problem.parameters]

    def loss(flat: Tensor) -> Tensor:
        pieces = torch.split(flat, [shape.numel() for shape in shapes])
        weights = {n: v.view(s) for n, v, s in zip(names, pieces, shapes, strict=True)}
        given = torch.func.functional_call(problem.model, weights, (problem.inputs,))
        return functional.cross_entropy(given if output is None else output(given), problem.targets)

    flat = torch.cat([p.detach().reshape(-1) for p in problem.parameters])
    with sdpa_kernel(SDPBackend.MATH):
        # Through batch norm that of torch.func is not symmetric.
        normed = any(isinstance(module, nn.BatchNorm2d) for module in problem.model.modules())
        hessian = problem.hessian() if normed else torch.func.hessian(loss)(flat)
    return float(torch.linalg.eigvalsh(hessian.double())[-1])


def looked_at(problem: Problem, call: Callable[[Tensor], Tensor], *, given: nn.Module | None = None) -> MemoryOutlet:
    """Train with a rate of zero, so that all looks are at the same weights."""
    outlet, optimizer = MemoryOutlet(), SGD(problem.parameters, lr=0.0)
    taps = watch(problem.model if given is None else given, optimizer, outlet)
    train(optimizer, lambda: functional.cross_entropy(call(problem.inputs), problem.targets), taps, steps=STEPS)
    return outlet


def without_dropout(kind: str) -> Problem:
    problem = KINDS[kind]()
    for module in problem.model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return problem


@pytest.mark.parametrize(
    ("kind", "backend"), [*((kind, "aot_eager") for kind in KINDS), ("mlp", "inductor"), ("transformer", "inductor")]
)
def test_of_a_compiled_model_the_top_eigenvalue_is_that_of_its_hessian(kind: str, backend: str) -> None:
    problem = without_dropout(kind)
    truth = top(problem)
    compiled = torch.compile(problem.model, backend=backend)

    outlet = looked_at(problem, compiled, given=compiled)  # type: ignore[arg-type]  # a module as well

    series = outlet.series("lambda_max")
    assert list(series) == list(range(2, STEPS + 1))  # the first look has shown that the forward pass must be heard
    assert series[STEPS] == pytest.approx(truth, rel=CLOSE)
    (told,) = said(outlet)
    assert told.startswith("curvature is replayed, on the training's own batch, over the whole model")


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_model_compiled_in_place_too(kind: str) -> None:
    problem = without_dropout(kind)
    truth = top(problem)
    problem.model.compile(backend="aot_eager")

    outlet = looked_at(problem, problem.model)

    assert outlet.series("lambda_max")[STEPS] == pytest.approx(truth, rel=CLOSE)


def test_a_compiled_model_that_is_watched_as_it_is_written_is_found() -> None:
    problem = KINDS["mlp"]()
    truth = top(problem)

    outlet = looked_at(problem, torch.compile(problem.model, backend="aot_eager"))

    assert outlet.series("lambda_max")[STEPS] == pytest.approx(truth, rel=CLOSE)


def test_under_bf16_autocast_it_is_as_good_as_its_numbers() -> None:
    problem = KINDS["mlp"]()
    truth = top(problem)
    compiled = torch.compile(problem.model, backend="aot_eager")

    def call(inputs: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return compiled(inputs)

    outlet = looked_at(problem, call)

    assert outlet.series("lambda_max")[STEPS] == pytest.approx(truth, rel=8 * 2**-8)  # a handful of roundings
    assert said(outlet)[0].startswith("curvature is replayed")


def test_a_function_of_ones_own_that_is_right_is_run_again_and_believed() -> None:
    problem = custom(RightCube)
    truth = top(Problem(problem.model.layer, problem.inputs, problem.targets), lambda z: z**3)  # type: ignore[arg-type]  # a module

    outlet = looked_at(problem, problem.model)

    assert outlet.series("lambda_max")[STEPS] == pytest.approx(truth, rel=CLOSE)
    (told,) = said(outlet)
    assert told.startswith("curvature is replayed, on the training's own batch")


def test_one_that_drops_curvature_is_found_out_and_differences_are_taken() -> None:
    problem = custom(Cube)
    truth = top(Problem(problem.model.layer, problem.inputs, problem.targets), lambda z: z**3)  # type: ignore[arg-type]  # a module

    outlet = looked_at(problem, problem.model)

    series = outlet.series("lambda_max")
    assert list(series) == list(range(4, STEPS + 1))  # what was wrong has not been shown
    assert series[STEPS] == pytest.approx(truth, rel=1e-3)  # as good as differences are
    wrong, told = said(outlet)
    assert wrong == "second derivatives through CubeBackward are wrong: differences of gradients are taken instead"
    assert told.startswith("curvature is finite difference, on the training's own batch")


def test_training_is_the_same_to_the_last_bit_while_one_is_found_out() -> None:
    def trained(*, looks: bool) -> list[Tensor]:
        torch.manual_seed(0)
        problem, outlet = custom(Cube), MemoryOutlet()
        optimizer = SGD(problem.parameters, lr=0.1, momentum=0.9)
        taps = watch(problem.model, optimizer, outlet) if looks else None
        for _ in range(6):
            optimizer.zero_grad()
            given = functional.dropout(problem.inputs, 0.1)
            functional.cross_entropy(problem.model(given), problem.targets).backward()
            optimizer.step()
        if taps is not None:
            taps.detach()
            assert outlet.series("lambda_max")
        return everything(problem.model, [optimizer])

    assert same_bits(trained(looks=True), trained(looks=False))


def refused(outlet: MemoryOutlet) -> str:
    assert outlet.series("lambda_max") == {}
    (told,) = said(outlet)
    return told.removeprefix("curvature is not measured: ")


def test_compiled_dropout_is_refused_because_it_would_draw_other_masks() -> None:
    problem = KINDS["conv"]()

    told = refused(looked_at(problem, torch.compile(problem.model, backend="inductor")))

    assert told.startswith(
        "the model is compiled and draws random numbers, as for dropout: run as it is written it wou"
    )
    assert told.endswith("with a fixed batch of your own, watch(..., probe=batch, loss_fn=loss), it can be measured")


def test_a_function_of_ones_own_behind_the_output_is_refused() -> None:
    problem = KINDS["mlp"]()

    def call(inputs: Tensor) -> Tensor:
        out: Tensor = Cube.apply(problem.model(inputs))  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return out

    told = refused(looked_at(problem, call))

    assert told.startswith("CubeBackward in the graph of the loss may go backward only once, and that behind the model")


def test_a_function_of_ones_own_in_half_precision_is_refused() -> None:
    problem = custom(RightCube)

    def call(inputs: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return problem.model(inputs)  # type: ignore[no-any-return]  # a tensor

    told = refused(looked_at(problem, call))

    assert told == "the forward pass ran in half precision; differences of gradients are mostly rounding then"


def test_a_model_that_is_another_function_each_time_is_refused() -> None:
    class Counting(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner, self.calls = inner, 0

        def forward(self, inputs: Tensor) -> Tensor:
            self.calls += 1
            out: Tensor = RightCube.apply(self.inner(inputs) / self.calls)  # type: ignore[no-untyped-call]  # torch leaves it untyped
            return out

    problem = KINDS["mlp"]()
    model = Counting(problem.model)

    told = refused(looked_at(problem, model, given=model))

    assert told.startswith("run again, the model's forward pass gives something else; with a fixed batch")
    assert model.calls == STEPS


def test_a_compiled_model_that_is_passed_twice_is_refused() -> None:
    problem = KINDS["mlp"]()
    compiled = torch.compile(problem.model, backend="aot_eager")

    told = refused(looked_at(problem, lambda inputs: compiled(inputs) + compiled(inputs.flip(0))))

    assert "nor can its forward pass be repeated: the loss comes from several of the same model; with a fixed" in told


def test_dynamo_does_not_compile_more_than_without_us() -> None:
    def count(*, looks: bool) -> dict[str, dict[str, int]]:
        torch._dynamo.reset()
        counters.clear()
        problem = KINDS["transformer"]()
        compiled = torch.compile(problem.model, backend="aot_eager")
        if looks:
            looked_at(problem, compiled)
        else:
            for _ in range(STEPS):
                functional.cross_entropy(compiled(problem.inputs), problem.targets).backward()
        return {name: dict(values) for name, values in counters.items()}

    alone, watched = count(looks=False), count(looks=True)

    assert alone["stats"]["unique_graphs"] == 1
    assert watched == alone


def test_after_a_look_the_jobs_tensors_are_its_own_again() -> None:
    problem, outlet = KINDS["mlp"](), MemoryOutlet()
    compiled = torch.compile(problem.model, backend="aot_eager")
    optimizer = SGD(problem.parameters, lr=0.0)
    taps = watch(problem.model, optimizer, outlet)
    seen: list[weakref.ref[Tensor]] = []

    for _ in range(4):
        inputs = problem.inputs.clone()
        output = compiled(inputs)
        functional.cross_entropy(output, problem.targets).backward()
        seen += [weakref.ref(inputs), weakref.ref(output)]
        optimizer.step()
        del inputs, output
        gc.collect()
        assert [one() for one in seen] == [None] * len(seen)
    taps.detach()

    assert len(outlet.series("lambda_max")) == 3
