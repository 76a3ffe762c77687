"""Every clip call is heard of, however it is made, and torch is itself again afterwards."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import utils
from torch.nn.utils import clip_grad, clip_grad_norm_

from tests.agent.hearing.test_clipping import Clip, Job, grads, once

AFTER = ("clip_grad_value_", "clip_grad_norm_", "clip_grads_with_norm_")


CALLS: dict[str, Clip] = {
    "imported before": lambda p: clip_grad_norm_(p, 1.0),
    "looked up": lambda p: torch.nn.utils.clip_grad_norm_(p, max_norm=1.0),
    "from a generator": lambda p: clip_grad_norm_((q for q in p), 1.0),
    "norm and clip apart": lambda p: utils.clip_grads_with_norm_((q for q in p), 1.0, utils.get_total_norm(grads(p))),
    "without foreach": lambda p: clip_grad_norm_(p, 1.0, foreach=False),
}


@pytest.mark.parametrize("how", CALLS)
def test_every_way_to_call_is_heard(how: str) -> None:
    job = once([[6.0], [8.0]], CALLS[how])

    assert job.read("clip_coef") == {1: pytest.approx(0.1, rel=3e-7)}
    assert job.read("grad_norm") == {1: pytest.approx(10.0, rel=3e-7)}
    assert job.read("grad_norm_clipped") == {1: pytest.approx(1.0, rel=3e-7)}


def test_detach_restores_torch_unless_somebody_has_wrapped_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    before = [vars(module).get(name) for module in (utils, clip_grad) for name in (*AFTER, "_clip_grads_with_norm_")]
    job = Job(1)

    job.taps.detach()

    after = [vars(module).get(name) for module in (utils, clip_grad) for name in (*AFTER, "_clip_grads_with_norm_")]
    assert after == before

    monkeypatch.setattr(utils, "clip_grad_value_", utils.clip_grad_value_)
    job = Job(1)
    ours = utils.clip_grad_value_

    def theirs(*args: object) -> None:
        ours(*args)  # type: ignore[arg-type]  # whatever is passed

    utils.clip_grad_value_ = theirs
    job.taps.detach()
    job.step([[5.0]], lambda p: utils.clip_grad_value_(p, 1.0))

    assert utils.clip_grad_value_ is theirs
    assert job.parameters[0].grad is not None
    assert job.parameters[0].grad.tolist() == [1.0]
    assert job.outlet.rows == []


def test_a_torch_without_the_inner_function_is_heard_by_its_result(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = clip_grad.clip_grad_norm_
    scale = clip_grad._clip_grads_with_norm_

    def old(parameters: list[nn.Parameter], max_norm: float, *args: object, **kwargs: object) -> Tensor:
        total = utils.get_total_norm(grads(parameters))
        scale(parameters, max_norm, total)
        return total

    monkeypatch.setattr(clip_grad, "clip_grad_norm_", old)
    monkeypatch.setattr(utils, "clip_grad_norm_", old)
    monkeypatch.delattr(clip_grad, "_clip_grads_with_norm_")

    job = once([[6.0], [8.0]], lambda p: utils.clip_grad_norm_((q for q in p), 1.0))

    assert job.read("clip_coef") == {1: pytest.approx(0.1, rel=3e-7)}
    assert job.read("grad_norm") == {1: pytest.approx(10.0, rel=3e-7)}
    assert utils.clip_grad_norm_ is old
    assert whole is clip_grad_norm_


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, from compiling on some Pythons
def test_clipping_inside_a_compiled_function_is_done_and_not_heard() -> None:
    torch._dynamo.reset()
    job = Job(1, 1)
    compiled = torch.compile(lambda p: clip_grad_norm_(p, 1.0), backend="eager")

    job.step([[6.0], [8.0]], compiled)

    assert job.read("grad_norm") == {1: pytest.approx(1.0, rel=3e-7)}
    assert job.read("grad_norm_clipped") == {}
