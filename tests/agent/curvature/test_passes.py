"""Which tensors a pass took and gave."""

from collections import OrderedDict

import torch
from torch import nn

from ergoscope.curvature.given import tensors_in
from ergoscope.curvature.outputs import outputs_of
from ergoscope.curvature.passes import Casts, Pass, casts_on


def test_tensors_are_found_in_whatever_a_model_gives() -> None:
    a, b, c = torch.ones(1), torch.ones(2), torch.ones(3)

    found = tensors_in(OrderedDict(loss=a, logits=b, more=[c, "text", None]))

    assert [len(t) for t in found] == [1, 2, 3]


def test_an_input_changed_in_place_is_noticed() -> None:
    given = torch.ones(2)
    run = Pass(nn.Identity(), (given,), {}, (given._version,), outputs_of(given))
    before = run.altered

    given.add_(1)

    assert not before
    assert run.altered


def test_a_pass_runs_again_with_its_draws_and_its_casts_and_leaves_none_of_them_behind() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5))
    inputs, state = torch.ones(4, 3), torch.get_rng_state()
    with torch.autocast("cpu", torch.bfloat16):
        run = Pass(
            model,
            (inputs,),
            {},
            (inputs._version,),
            outputs_of(model(inputs)),
            ((torch.default_generator, state),),
            casts_on("cpu", "cpu"),
        )

    again = run.again()

    assert isinstance(again, torch.Tensor)
    assert isinstance(run.outputs[0].value, torch.Tensor)
    assert again.dtype == torch.bfloat16
    assert torch.equal(again, run.outputs[0].value)
    assert not torch.is_autocast_enabled("cpu")


def test_how_autocast_stands_is_told_once_a_kind_of_device() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        inside = casts_on("cpu", "cpu")

    assert inside == (Casts("cpu", enabled=True, dtype=torch.bfloat16),)
    assert not casts_on("cpu")[0].enabled


def test_half_precision_is_that_of_autocast_or_of_the_parameters() -> None:
    whole, half = nn.Linear(2, 2), nn.Linear(2, 2, dtype=torch.bfloat16)
    cast = (Casts("cpu", enabled=True, dtype=torch.float16),)

    assert not Pass(whole, (), {}, (), (), casts=casts_on("cpu")).halved
    assert Pass(whole, (), {}, (), (), casts=cast).halved
    assert Pass(half, (), {}, (), ()).halved
