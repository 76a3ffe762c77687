"""An entry of the catalogue is complete, or it is not one."""

from dataclasses import fields
from typing import Any

import msgspec
import pytest

from ergoscope_contract import catalogue
from ergoscope_contract.catalogue import Cost, Family, Metric, Reduce

GIVEN: dict[str, Any] = {
    "id": "grad_norm",
    "name": "gradient norm",
    "symbol": "‖g‖",
    "range": "≥ 0",
    "family": Family.ST,
    "tooltip": "How hard this batch pulls.",
    "formula": "‖g‖₂",
    "failure": "depends on the batch size",
    "cost": Cost.PASS,
    "tier": 0,
    "reduce": Reduce.SQUARES,
    "test": "known gradients",
    "kind": "probe",
    "made": True,
}


@pytest.mark.parametrize("name", ["GradNorm", "grad-norm", "grad__norm", "_grad", "1st", "grad/norm", ""])
def test_an_id_that_is_not_snake_case_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"catalogue id is {name!r}; it must be snake_case, such as 'grad_norm'"):
        Metric(**GIVEN | {"id": name})


@pytest.mark.parametrize("tier", [-1, 4])
def test_another_tier_is_refused(tier: int) -> None:
    with pytest.raises(ValueError, match=f"grad_norm: tier is {tier}; it must be 0, 1, 2 or 3"):
        Metric(**GIVEN | {"tier": tier})


@pytest.mark.parametrize("name", ["name", "symbol", "range", "tooltip", "formula", "failure", "test"])
def test_an_empty_text_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"grad_norm: {name} is empty; say it in words"):
        Metric(**GIVEN | {name: " "})


def test_a_quantity_that_is_made_cannot_be_absent() -> None:
    with pytest.raises(ValueError, match="it is made, so it cannot be absent because 'no reason'; drop one of the two"):
        Metric(**GIVEN | {"absent": "no reason"})


def test_a_quantity_that_is_not_made_says_why() -> None:
    with pytest.raises(ValueError, match="grad_norm: it is not made; 'absent' must say why"):
        Metric(**GIVEN | {"made": False})


@pytest.mark.parametrize("metric", catalogue.ALL.values(), ids=list(catalogue.ALL))
def test_an_entry_goes_into_json_with_every_field_in_words(metric: Metric) -> None:
    plain = msgspec.json.decode(msgspec.json.encode(metric))

    assert set(plain) == {field.name for field in fields(Metric)}
    assert plain["family"] == metric.family.value
    assert plain["cost"] == metric.cost.value


@pytest.mark.parametrize("metric", catalogue.ALL.values(), ids=list(catalogue.ALL))
def test_texts_of_the_catalogue_read_as_sentences(metric: Metric) -> None:
    assert not metric.tooltip[0].islower()
    assert metric.tooltip.endswith((".", "!", "?"))
    assert len(metric.tooltip) <= 200
    assert not metric.absent.endswith(".")  # it stands after "absent, because"
    assert not metric.name[0].isupper() or metric.name.split()[0] in {"Adam's", "Mann–Kendall", "KPSS", "Pflug's"}
