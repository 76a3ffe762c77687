"""The spectrum of jobs that move, break or have little memory, and what is told of it."""

import re

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from ergoscope.curvature.fingerprint import fingerprint
from ergoscope.curvature.plan import Curvature
from ergoscope.lineup import SHARPNESS, SPECTRUM
from ergoscope.probes import spectrum
from ergoscope.probes.spectrum import DRAWS, PACE, STEPS, SpectrumProbe
from tests.agent.curvature.matrices import wigner
from tests.agent.curvature.test_graph import Cube
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.looks import net, watch
from tests.agent.probes.spectra import Job, Valley, error_of_a_draw, latest, quadrature, spectra, still

LOOKS = STEPS // PACE  # that a draw takes on a fixed batch


def valley(*, size: int = 60) -> Valley:
    return Valley(np.linspace(-1.0, 4.0, size))


def on_fixed(model: Valley, *, lr: float = 0.0) -> Job:
    return Job(model, model, SGD(model.parameters(), lr=lr), fixed=model)


def scale(model: nn.Module, factor: float) -> None:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(factor)


def numbers_of(outlet: MemoryOutlet) -> dict[str, float]:
    return {key: value for _, row in outlet.rows for key, value in row.items()}


def test_products_spread_over_steps_are_those_made_at_once_while_nothing_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = wigner(100, seed=1, spikes=[4.0])

    spread = still(matrix, fixed=True).run(DRAWS * LOOKS)
    monkeypatch.setattr(spectrum, "PACE", STEPS)
    at_once = still(matrix, fixed=True).run(DRAWS)

    assert (list(spread.series("hess_trace")), list(at_once.series("hess_trace"))) == ([DRAWS * LOOKS], [DRAWS])
    assert numbers_of(spread) == numbers_of(at_once)
    (one,), (other,) = spectra(spread), spectra(at_once)
    assert (one.nodes, one.weights, one.residuals) == (other.nodes, other.weights, other.residuals)


def test_a_reading_says_of_what_it_was_made() -> None:
    model = valley()

    fixed, own = on_fixed(model), Job(model, model)
    (of_fixed,), (of_own,) = spectra(fixed.until(1)), spectra(own.until(1))

    assert of_fixed.step == DRAWS * LOOKS
    batch = f"the fixed batch {fingerprint(0)}"
    assert of_fixed.how == f"exact, on {batch}; 5 draws of 20 products each, since step 1"
    assert of_own.step == DRAWS
    assert of_own.how == (
        "exact, on the training's own batch; 5 draws of 10 products each, of as many batches, since step 1"
    )
    assert fixed.told() == [
        f"the spectrum of curvature is exact, on {batch}, over the whole model; 5 draws of 20 products each"
    ]


def test_how_far_the_weights_moved_within_a_draw_is_said() -> None:
    (moving,) = spectra(on_fixed(valley(), lr=1e-2).until(1))

    share = re.search(r"5 draws of 20 products each, within which the weights moved by up to ([\d.e-]+) %,", moving.how)
    assert share is not None
    assert 0 < float(share[1]) <= 10


def test_each_draw_brings_a_reading_of_the_newest_ones_with_a_direction_of_its_own() -> None:
    outlet = on_fixed(valley()).until(6)

    assert len(set(outlet.series("hess_trace").values())) == 6
    assert [one.step for one in spectra(outlet)] == [(DRAWS + new) * LOOKS for new in range(6)]
    assert spectra(outlet)[1].how.endswith(f"since step {LOOKS + 1}")
    assert spectra(outlet)[5].how.endswith(f"since step {DRAWS * LOOKS + 1}")


def test_a_changed_learning_rate_begins_the_draw_anew() -> None:
    model = valley()
    job = on_fixed(model, lr=1e-6)
    job.run(LOOKS - 1)
    job.optimizer.param_groups[0]["lr"] *= 0.8
    model.matrix *= 2  # what is read must be of this one alone

    outlet = job.until(1)

    assert quadrature(spectra(outlet)[0])[0].max() == pytest.approx(8.0, rel=1e-3)
    assert spectra(outlet)[0].how.endswith(f"since step {LOOKS}")
    faster = -(-STEPS // (2 * PACE))  # looks that a draw takes now
    assert list(outlet.series("hess_trace")) == [LOOKS - 1 + DRAWS * faster]
    assert "begun anew, as the weights or the learning rate had moved by more than a tenth" in job.told()[0]


def test_a_learning_rate_that_creeps_does_not() -> None:
    job = on_fixed(valley(), lr=1e-6)
    for _ in range(DRAWS * LOOKS):
        job.run(1)
        job.optimizer.param_groups[0]["lr"] *= 0.99

    assert list(job.outlet.series("hess_trace")) == [DRAWS * LOOKS]


def test_after_a_jump_of_the_learning_rate_no_reading_stands_for_both_sides() -> None:
    model = valley()
    job = on_fixed(model, lr=1e-6)
    job.run(3 * LOOKS)
    job.optimizer.param_groups[0]["lr"] *= 0.1
    model.matrix *= 2

    outlet = job.until(1)

    assert list(outlet.series("hess_trace")) == [3 * LOOKS + DRAWS * LOOKS]
    nodes, weights, _ = quadrature(spectra(outlet)[0])
    values = np.linspace(-2.0, 8.0, 60)
    assert abs(weights @ nodes - values.mean()) <= 4 * error_of_a_draw(values) / DRAWS**0.5


def test_weights_that_drift_too_far_begin_it_anew_until_one_look_holds_it() -> None:
    model = valley()
    job = on_fixed(model)
    for _ in range(40):
        job.run(1)
        scale(model, 1.2)

    assert list(job.outlet.series("hess_trace")) != []
    assert job.probe._rounds is not None
    assert job.probe._rounds.lost > 0
    assert len([text for text in job.told() if "begun anew" in text]) == 1


def test_weights_that_drift_a_little_do_not() -> None:
    model = valley()
    job = on_fixed(model)
    for _ in range(DRAWS * LOOKS):
        job.run(1)
        scale(model, 1.01)  # 4 % from the first look of a draw to its last, 27 % over the reading

    assert list(job.outlet.series("hess_trace")) == [DRAWS * LOOKS]


def test_products_that_are_not_finite_publish_nothing_and_are_told() -> None:
    model = valley()
    job = on_fixed(model)
    model.matrix[3] = float("nan")
    job.run(2 * DRAWS * LOOKS)

    assert job.outlet.rows == []
    assert job.outlet.records == []
    assert job.told() == [
        "products with the Hessian were not finite: draws of its spectrum that hold some are left out"
    ]


def test_after_them_a_reading_is_made_of_what_was_finite() -> None:
    model = valley()
    job = on_fixed(model)
    kept = model.matrix.clone()
    model.matrix[3] = float("nan")
    job.run(1)
    model.matrix.copy_(kept)
    model.weight.data.fill_(1.0)  # which a step of size 0 times NaN had broken

    outlet = job.until(1)

    assert list(outlet.series("hess_trace")) == [1 + DRAWS * LOOKS]
    assert np.isfinite(quadrature(spectra(outlet)[0])[0]).all()


def test_blocks_are_read_one_after_the_other() -> None:
    model, x, y = net()

    def loss() -> Tensor:
        return nn.functional.mse_loss(model(x), y)

    job = Job(model, loss, curvature=Curvature(scope="blocks"))
    outlet = job.run(2 * DRAWS)

    assert list(outlet.series("hess_trace/0")) == [DRAWS]
    assert list(outlet.series("hess_trace/2")) == [2 * DRAWS]
    assert outlet.series("hess_trace") == {}
    assert [record.key for record in spectra(outlet)] == ["spectral_density/0", "spectral_density/2"]
    features = torch.cat([model[:2](x).detach(), torch.ones(8, 1)], 1)  # type: ignore[index]  # a sequence
    values = np.repeat(torch.linalg.eigvalsh(features.T @ features / 8).numpy(), 2)  # both outputs alike
    error = 14 * error_of_a_draw(values) / DRAWS**0.5
    assert abs(outlet.series("hess_trace/2")[2 * DRAWS] - values.sum()) <= 4 * error


def test_where_the_loss_is_climbed_the_spectrum_is_of_what_goes_down() -> None:
    model = Valley(np.linspace(1.0, 2.0, 30))
    job = Job(model, model, SGD(model.parameters(), lr=0.0, maximize=True), fixed=model)

    outlet = job.until(1)

    assert latest(outlet, "neg_curv_mass") == 1.0


def test_of_wrong_second_derivatives_nothing_is_kept() -> None:
    model = nn.ParameterList([nn.Parameter(torch.full((30,), 2.0))])

    def loss() -> Tensor:
        made: Tensor = Cube.apply(model[0]).sum() + 0.5 * model[0].square().sum()  # type: ignore[no-untyped-call]  # torch
        return made

    job = Job(model, loss, SGD(model.parameters(), lr=0.0), fixed=loss)
    outlet = job.until(1)

    assert "second derivatives through CubeBackward are wrong" in job.told()[0]
    assert latest(outlet, "hess_trace") == pytest.approx(30 * 13.0, rel=1e-2)  # 6w + 1
    assert spectra(outlet)[0].how.startswith("finite difference")


@pytest.mark.parametrize("fixed", [False, True])
def test_through_the_whole_agent_beside_the_sharpness_and_training_has_the_same_bits(fixed: bool) -> None:
    ends, outlet = [], MemoryOutlet()
    for watched in (True, False):
        model, x, y = net()
        optimizer = SGD(model.parameters(), lr=1e-4, momentum=0.9)
        batch = {"probe": (x, y), "loss_fn": probed} if fixed else {}
        taps = watch(model, optimizer, outlet, tasks=(SHARPNESS, SPECTRUM), **batch) if watched else None  # type: ignore[arg-type]  # as named
        for _ in range(2 * DRAWS * LOOKS + 1):
            rows = torch.randperm(8)[:4]
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
            optimizer.step()
        if taps is not None:
            assert taps.alive
            taps.detach()
        ends.append((torch.cat([p.detach().reshape(-1) for p in model.parameters()]), torch.get_rng_state()))

    assert all(torch.equal(one, other) for one, other in zip(*ends, strict=True))
    assert set(SpectrumProbe.produces) - {"spectral_density"} <= numbers_of(outlet).keys()
    if fixed:  # steps are so short that it hardly moves
        assert quadrature(spectra(outlet)[0])[0].max() == pytest.approx(latest(outlet, "lambda_max"), rel=0.01)
    assert any("the spectrum of curvature is exact" in event.text for event in outlet.events("agent"))


def probed(model: nn.Module, batch: object) -> Tensor:
    x, y = batch  # type: ignore[misc]  # a pair
    losses: Tensor = (model(x) - y).square().mean(1)
    return losses
