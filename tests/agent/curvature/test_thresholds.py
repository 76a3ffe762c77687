"""Thresholds against the spectral radius of what torch's own optimizers do to a quadratic."""

import math

import pytest
import torch
from torch.optim import (
    ASGD,
    LBFGS,
    SGD,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    NAdam,
    Optimizer,
    RAdam,
    RMSprop,
    Rprop,
    SparseAdam,
)

from ergoscope.curvature.thresholds import FROZEN, HELD, Threshold, threshold
from tests.agent.curvature.companion import HELD as MEAN
from tests.agent.curvature.companion import Make, companion, radius

RATE = 0.01
ONE = torch.ones(1, dtype=torch.float64)
# What the tables of the literature say, times the rate; with momentum .9 and .5.
CASES: list[tuple[str, Make, float, bool]] = [
    ("gradient descent", lambda w: SGD(w, lr=RATE), 2.0, False),
    ("momentum .9", lambda w: SGD(w, lr=RATE, momentum=0.9), 3.8, False),
    ("momentum .5", lambda w: SGD(w, lr=RATE, momentum=0.5), 3.0, False),
    ("dampening", lambda w: SGD(w, lr=RATE, momentum=0.9, dampening=0.5), 7.6, False),
    ("dampening alone", lambda w: SGD(w, lr=RATE, dampening=0.5), 2.0, False),
    ("Nesterov .9", lambda w: SGD(w, lr=RATE, momentum=0.9, nesterov=True), 3.8 / 2.8, False),
    ("Nesterov .5", lambda w: SGD(w, lr=RATE, momentum=0.5, nesterov=True), 1.5, False),
    ("Adam .9", lambda w: Adam(w, lr=RATE, betas=(0.9, MEAN), eps=0), 38.0, True),
    ("Adam .5", lambda w: Adam(w, lr=RATE, betas=(0.5, MEAN), eps=0), 6.0, True),
    ("AMSGrad", lambda w: Adam(w, lr=RATE, betas=(0.9, MEAN), eps=0, amsgrad=True), 38.0, True),
    ("AdamW", lambda w: AdamW(w, lr=RATE, betas=(0.9, MEAN), eps=0, weight_decay=3.0), (2 - 0.03) * 19, True),
    ("NAdam", lambda w: NAdam(w, lr=RATE, betas=(0.9, MEAN), eps=0), 38 / 2.8, True),
    ("RMSprop", lambda w: RMSprop(w, lr=RATE, alpha=1.0, eps=0), 2.0, True),
    ("RMSprop with momentum", lambda w: RMSprop(w, lr=RATE, alpha=1.0, eps=0, momentum=0.9), 3.8, True),
]
SINGLE = pytest.mark.parametrize(
    ("make", "expected", "adaptive"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)


@SINGLE
def test_at_the_threshold_the_step_of_torch_has_spectral_radius_one(
    make: Make, expected: float, adaptive: bool
) -> None:
    optimizer = make([ONE.clone().requires_grad_()])

    edge = threshold(type(optimizer), optimizer.param_groups)

    assert edge.value is not None
    assert edge.value * RATE == pytest.approx(expected, rel=1e-12)
    assert edge.operator == ("preconditioned" if adaptive else "hessian")
    assert edge.validity == (FROZEN if adaptive else HELD)
    matrix, _ = companion(make, torch.full((1, 1), edge.value, dtype=torch.float64), second=ONE)
    values = torch.linalg.eigvals(matrix)
    assert (values + 1).abs().min() < 1e-9  # an eigenvalue is −1: swings that neither grow nor fade
    assert radius(matrix) == pytest.approx(1.0, abs=1e-9)


@SINGLE
def test_one_percent_below_it_fades_and_one_percent_above_it_grows(make: Make, expected: float, adaptive: bool) -> None:
    maps = [
        companion(make, torch.full((1, 1), f * expected / RATE, dtype=torch.float64), second=ONE)[0]
        for f in (0.99, 1.01)
    ]

    below, above = (torch.linalg.matrix_power(m, 4000).abs().max().item() for m in maps)

    assert below < 1e-6
    assert above > 1e6


def test_coupled_decay_shifts_the_hessian_and_clipping_scales_it_alone() -> None:
    def make(weights: object) -> Optimizer:
        return SGD(weights, lr=0.1, momentum=0.9, weight_decay=2.0)  # type: ignore[arg-type]  # a list of weights

    optimizer = make([ONE.clone().requires_grad_()])

    edge = threshold(SGD, optimizer.param_groups, clip=0.25)
    top = (edge.value or math.nan) - edge.shift

    assert edge.shift == 8.0
    assert 0.25 * top + 2.0 == pytest.approx(38.0)
    assert edge.ratio(top) == pytest.approx(1.0)
    matrix, _ = companion(make, torch.full((1, 1), top, dtype=torch.float64), clip=0.25)
    assert radius(matrix) == pytest.approx(1.0, abs=1e-9)


def test_an_optimizer_that_maximizes_says_so() -> None:
    groups = SGD([ONE.clone().requires_grad_()], lr=0.1, maximize=True).param_groups

    assert threshold(SGD, groups).ascent
    assert not threshold(SGD, [{**groups[0], "maximize": False}]).ascent


def test_momentum_has_a_band_for_batch_sharpness() -> None:
    groups = SGD([ONE.clone().requires_grad_()], lr=0.1, momentum=0.9).param_groups

    assert threshold(SGD, groups).band == (pytest.approx(2.0), pytest.approx(38.0))  # 2(1 ∓ .9)/.1
    assert threshold(SGD, [{**groups[0], "momentum": 0}]).band is None


def test_a_rate_in_a_tensor_counts_as_a_number() -> None:
    groups = Adam([ONE.clone().requires_grad_()], lr=torch.tensor(0.5)).param_groups

    assert threshold(Adam, groups).value == pytest.approx(76.0)


def test_groups_with_different_settings_need_the_scaled_operator() -> None:
    one, other = ({"params": [ONE.clone().requires_grad_()], "lr": lr} for lr in (0.1, 0.2))
    groups = SGD([one, other]).param_groups

    edge = threshold(SGD, groups)

    assert (edge.operator, edge.value) == ("preconditioned", pytest.approx(20.0))


def test_a_rate_on_a_device_must_be_read_before() -> None:
    group = {**SGD([ONE.clone().requires_grad_()], lr=0.1).param_groups[0], "lr": torch.tensor(0.1, device="meta")}

    edge = threshold(SGD, [group])

    assert (edge.value, edge.validity) == (None, "a setting lies on a device; read it first")
    assert edge.ratio(1.0) is None


class OwnStep(SGD):
    """Steps otherwise, for all that can be known."""


@pytest.mark.parametrize(
    "kind",
    [
        OwnStep,
        Adagrad,
        Adadelta,
        Adafactor,
        Adamax,
        ASGD,
        LBFGS,
        RAdam,
        Rprop,
        SparseAdam,
        type("Lion", (Optimizer,), {}),
    ],
)
def test_what_is_not_in_the_table_has_none_and_says_so(kind: type[Optimizer]) -> None:
    assert threshold(kind, [{"lr": 0.1}]).validity == f"no closed form is known for {kind.__name__}"


@pytest.mark.parametrize(
    ("kind", "settings", "reason"),
    [
        (SGD, {"lr": 0.0}, "the learning rate is 0"),
        (SGD, {"momentum": 1.0}, "momentum is 1.0; a threshold needs at least 0 and below 1"),
        (SGD, {"momentum": 0.9, "dampening": 1.0}, "dampening is 1.0; a threshold needs one below 1"),
        (
            SGD,
            {"momentum": 0.9, "dampening": 0.1, "nesterov": True},
            "Nesterov's form with dampening has no closed form here",
        ),
        (RMSprop, {"momentum": 1.5}, "momentum is 1.5; a threshold needs at least 0 and below 1"),
        (
            AdamW,
            {"lr": 1.0, "weight_decay": 2.0},
            "rate times weight decay is 2 or more, so the decay alone is unstable",
        ),
    ],
)
def test_settings_without_a_threshold_say_why(kind: type[Optimizer], settings: dict[str, object], reason: str) -> None:
    optimizer = kind([ONE.clone().requires_grad_()], lr=0.1)  # type: ignore[call-arg]  # each of these takes a rate

    edge = threshold(kind, [{**optimizer.param_groups[0], **settings}])

    assert (edge.value, edge.validity) == (None, reason)


def test_groups_that_climb_beside_groups_that_descend_have_none() -> None:
    group = SGD([ONE.clone().requires_grad_()], lr=0.1).param_groups[0]

    assert threshold(SGD, [group, {**group, "maximize": True}]).validity == "some groups maximize and others do not"
    assert threshold(SGD, []) == Threshold("hessian", None, None, "the optimizer has no parameters")


def test_a_factor_of_clipping_that_is_not_above_zero_is_refused() -> None:
    with pytest.raises(ValueError, match=r"clip is 0\.0; it must be above 0"):
        threshold(SGD, [], clip=0.0)
