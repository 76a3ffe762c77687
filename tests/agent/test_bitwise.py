"""Training with the agent on is training with the agent off, to the last bit."""

from collections.abc import Callable, Sequence
from functools import cache

import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.utils import counters
from torch.optim import Optimizer

from ergoscope.curvature.plan import Asked
from ergoscope.taps import Taps, attach
from tests.agent.jobs import force, same_bits, seed
from tests.agent.jobs_replayed import NOT_REPLAYED, REPLAYED
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.real_jobs import JOBS, Job

SILENT = ("compiled_optimizer", "compiled_optimizer_with_a_schedule")  # their steps run no Python: nothing to see
CURVED = (  # jobs whose second derivatives are measured at every step
    "sgd_momentum",
    "conv_batchnorm_dropout_schedule",
    "transformer_adamw_warmup_clipping",
    "autocast_bf16",
    "grad_scaler_with_a_skipped_step",
    "accumulation",
    "lbfgs_closure",
    "frozen_in_mid_run",
    "several_backward_passes_over_one_graph",
    "recurrent",
    "checkpointed",
    "compiled_model",
    "compiled_model_by_inductor",
    "compiled_in_place",
    *(job.__name__ for job in REPLAYED),
    "probed_conv",
    "probed_by_halves_with_autocast",
    "probed_model_that_remembers",
    "probed_transformer",
    "probed_compiled_model",
    "probed_while_accumulating_with_two_optimizers",
)
FITTED = (  # and those whose model is run once more beside
    "probed_conv",
    "probed_by_halves_with_autocast",
    "probed_transformer",
    "probed_compiled_model",
    "probed_while_accumulating_with_two_optimizers",
)
UNCURVED = {  # and those in which that is refused, because training might notice
    "checkpointed_reentrant": "it holds reentrant checkpoints",
    "saved_tensors_given_out_once": "what the graph has saved goes through hooks",
    "function_that_runs_once": "OnceBackward in the graph of the loss may go backward only once, and that behind",
    "retained_gradient_inside": "the job hooks gradients inside its graph",
    "hook_inside": "the job hooks gradients inside its graph",
    "hook_on_a_parameter": "modules or parameters have backward hooks",
    "backward_in_a_compiled_function": "the backward pass is compiled",
    "gradients_by_autograd_grad": "the backward pass is compiled, or told more than one loss",
    "sparse_embedding": "reshape is not implemented for sparse tensors",
    "probed_with_a_loss_that_disturbs": "One of the differentiated Tensors does not require grad",
    **{job.__name__: reason for job, reason in NOT_REPLAYED.items()},
}


def run(job: Job, outlet: MemoryOutlet | None, *, forced: bool = False, curvature: Asked | None = None) -> list[Tensor]:
    torch._dynamo.reset()
    seed(3)
    placed: list[Taps] = []

    def watch(
        model: nn.Module,
        optimizers: Sequence[Optimizer],
        *,
        probe: object = None,
        loss_fn: Callable[[nn.Module, object], Tensor] | None = None,
    ) -> None:
        if outlet is None:
            return
        # A clock that stands still makes every probe free, so that all run as often as they may.
        taps = attach(model, optimizers, outlet, probe=probe, loss_fn=loss_fn, curvature=curvature, clock=lambda: 0.0)
        placed.append(taps)
        if forced:
            force(taps)

    result = job(watch)
    for taps in placed:
        assert taps.alive
        taps.detach()
    return result


def past_first_steps(name: str) -> None:
    """Count a frame as compiled, as in a job that has taken its first steps: there are no ears while it compiles.

    Other jobs have none, whatever ran in this process before.
    """
    counters["frames"].clear()
    if "compiled" in name:
        counters["frames"]["total"] += 1


@cache
def without(name: str) -> list[Tensor]:
    return run(JOBS[name], None)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, from compiling on some Pythons
@pytest.mark.filterwarnings("ignore:.torch.nn.utils.weight_norm:FutureWarning")  # old, but many models have it
@pytest.mark.parametrize("forced", [False, True], ids=["on", "forced"])
@pytest.mark.parametrize("name", JOBS)
def test_weights_state_buffers_gradients_and_generators_are_equal(name: str, forced: bool) -> None:
    outlet = MemoryOutlet()
    expected = without(name)
    past_first_steps(name)

    watched = run(JOBS[name], outlet, forced=forced)

    assert same_bits(watched, expected)
    assert [event.text for event in outlet.events("agent") if "off" in event.data] == []  # no error was fenced
    assert bool(outlet.series("loss")) != (name in SILENT)
    assert bool(outlet.series("opposing_share")) == name.startswith("probed")
    tried = forced and name.startswith("probed") and name != "probed_with_a_loss_that_disturbs"
    assert bool(outlet.series("sam_sharpness")) == tried
    assert bool(outlet.series("grad_norm_full")) == tried


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # as above
@pytest.mark.filterwarnings("ignore:.torch.nn.utils.weight_norm:FutureWarning")
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")  # dynamo's own, of a part
@pytest.mark.parametrize("name", [*CURVED, *UNCURVED])
def test_second_derivatives_at_every_step_leave_them_equal_too(name: str) -> None:
    outlet = MemoryOutlet()
    expected = without(name)
    past_first_steps(name)

    watched = run(JOBS[name], outlet, forced=True, curvature="model")

    assert same_bits(watched, expected)
    assert [event.text for event in outlet.events("agent") if "off" in event.data] == []
    refused = [event.text for event in outlet.events("agent") if event.text.startswith("curvature is not measured")]
    assert bool(outlet.series("lambda_max")) == (name in CURVED)
    assert bool(outlet.series("gns_radius")) == (name in CURVED and name.startswith("probed"))
    assert bool(outlet.series("ggn_gap")) == (name in FITTED)
    if name in UNCURVED:
        assert len(refused) == 1
        assert UNCURVED[name] in refused[0]
