"""What the spectrum makes of single openings: its cost, its memory, and readings that come too late."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from ergoscope.curvature.blocks import Block
from ergoscope.curvature.ladder import How
from ergoscope.curvature.room import needed
from ergoscope.findings import Findings
from ergoscope.probes import spectrum
from ergoscope.probes.probe import Reading
from ergoscope.probes.spectrum import DRAWS, FEWER, PACE, SINGLE, STEPS, SpectrumProbe
from ergoscope.probes.vantage.opening import Label, Opening
from ergoscope.probes.vantage.vantage import Vantage
from ergoscope_contract.records import Spectrum
from tests.agent.probes.spectra import error_of_a_draw

SIZE = 60
VALUES = np.linspace(-1.0, 4.0, SIZE)
WEIGHT = torch.ones(SIZE)


class Given:
    """Products with a diagonal matrix, counted; from the n-th on there is no memory."""

    def __init__(self, *, short_from: float = float("inf")) -> None:
        self.gradient = torch.ones(SIZE)
        self.calls = 0
        self._short_from = short_from

    def __call__(self, vector: Tensor) -> Tensor:
        self.calls += 1
        if self.calls >= self._short_from:
            raise MemoryError
        return torch.from_numpy(VALUES).float() * vector


class Looks:
    """A spectrum that looks at openings and publishes what comes of them."""

    def __init__(self) -> None:
        self.probe = SpectrumProbe(Vantage(None, nn.Linear(1, 1), None, [], lambda: 0.0))
        self.steps = 0

    def look(
        self,
        products: Given,
        *,
        fixed: bool = True,
        factor: Tensor | float = 1.0,
        optimizer: Optimizer | None = None,
        how: How = How.EXACT,
    ) -> Reading | None:
        block, label = Block("", (WEIGHT,)), Label(how, "the fixed batch", "the whole model")
        return self.probe.look(Opening(products, block, factor, fixed, optimizer, label))

    def read(self, reading: Reading | None) -> Findings:
        self.steps += 1
        findings = Findings(self.steps, {})
        if reading is not None:
            assert isinstance(reading.values, Tensor)
            reading.read(reading.values.tolist(), findings)
        return findings

    def until_published(self, products: Given, **kind: object) -> Findings:
        for _ in range(100):
            findings = self.read(self.look(products, **kind))  # type: ignore[arg-type]  # as they are above
            if findings.scalars:
                return findings
        raise AssertionError("no reading came")


def nodes_of(findings: Findings) -> int:
    (record,) = findings.records
    assert isinstance(record, Spectrum)
    return len(record.nodes) // 8


@pytest.mark.parametrize(("fixed", "each", "looks"), [(True, PACE, 25), (False, FEWER, 5)])
def test_what_a_look_and_a_reading_cost(fixed: bool, each: int, looks: int) -> None:
    products, on = Given(), Looks()

    on.look(products, fixed=fixed)

    assert products.calls == each
    rest = Given()
    Looks().until_published(rest, fixed=fixed)
    assert rest.calls == looks * each


def test_a_factor_makes_it_the_spectrum_of_the_objective() -> None:
    plain, scaled = (Looks().until_published(Given(), factor=factor) for factor in (1.0, torch.tensor(2.0)))

    assert scaled.scalars["hess_trace"] == pytest.approx(2 * plain.scalars["hess_trace"], rel=1e-6)
    assert scaled.scalars["hess_fro_error"] == pytest.approx(2 * plain.scalars["hess_fro_error"], rel=1e-5)
    assert scaled.scalars["outlier_count"] == plain.scalars["outlier_count"]


def test_of_differences_what_is_near_zero_is_zero() -> None:
    exact, rough = (Looks().until_published(Given(), how=how) for how in (How.EXACT, How.DIFFERENCE))

    assert exact.scalars["hess_trace"] == rough.scalars["hess_trace"]
    assert rough.scalars["neg_curv_mass_low"] <= exact.scalars["neg_curv_mass"]


def test_a_reading_that_comes_after_all_was_forgotten_publishes_nothing() -> None:
    on, products = Looks(), Given()
    for _ in range(24):
        on.read(on.look(products))
    last = on.look(products)

    on.probe.forget()

    assert on.read(last).scalars == {}
    assert on.probe.turn == 0


def test_a_rate_on_a_device_is_left_alone() -> None:
    on, parameter = Looks(), nn.Parameter(torch.ones(1))
    optimizer = SGD([parameter], lr=torch.tensor(0.1))
    optimizer.param_groups[0]["lr"] = torch.tensor(0.1, device="meta")  # to read it would raise

    assert on.look(Given(), optimizer=optimizer) is not None


def short_of(vectors: int) -> Callable[[torch.device], float]:
    return lambda _: needed(SIZE, vectors + 6, torch.device("cpu")) - 1.0


def test_where_memory_is_short_draws_are_shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spectrum, "spare", short_of(STEPS))
    on = Looks()

    findings = on.until_published(Given())

    assert nodes_of(findings) == DRAWS * FEWER
    assert on.probe.remarks.take()[0] == (
        "there is no memory for 20 vectors of the spectrum of curvature: draws have 10 products"
    )


def test_what_is_kept_while_the_training_runs_must_fit_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spectrum, "lasting", lambda *_: False)

    spread, at_once = (Looks().until_published(Given(), fixed=fixed) for fixed in (True, False))

    assert spread.records == []
    assert nodes_of(at_once) == DRAWS * FEWER


def test_where_there_is_hardly_any_only_trace_and_norm_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spectrum, "spare", short_of(FEWER))
    on, products = Looks(), Given()

    findings = on.until_published(products)

    assert set(findings.scalars) == {"hess_trace", "hess_trace_error", "hess_fro", "hess_fro_error"}
    assert findings.records == []
    assert products.calls == SINGLE
    assert on.steps == SINGLE // PACE
    error = SIZE * error_of_a_draw(VALUES) / SINGLE**0.5
    assert abs(findings.scalars["hess_trace"] - VALUES.sum()) <= 4 * error
    assert on.probe.remarks.take()[1:] == [
        "there is no memory for 10 vectors of the spectrum of curvature: only its trace and norm are measured",
        "the spectrum of curvature is exact, on the fixed batch, over the whole model; 20 draws of 1 product each",
    ]


def test_once_another_part_is_looked_at_there_may_be_room_again(monkeypatch: pytest.MonkeyPatch) -> None:
    on = Looks()
    with monkeypatch.context() as tight:
        tight.setattr(spectrum, "spare", short_of(FEWER))
        on.look(Given())

    on.probe.forget()

    assert nodes_of(on.until_published(Given())) == DRAWS * STEPS


def test_memory_that_runs_out_on_the_way_is_given_back_and_less_is_taken() -> None:
    on = Looks()

    assert on.look(Given(short_from=3)) is None

    assert nodes_of(on.until_published(Given())) == DRAWS * FEWER
    assert "there is no memory for 20 vectors" in on.probe.remarks.take()[0]


def test_what_cannot_do_with_less_is_for_others_to_handle() -> None:
    on = Looks()
    for _ in range(2):
        assert on.look(Given(short_from=1)) is None

    with pytest.raises(MemoryError):
        on.look(Given(short_from=1))
