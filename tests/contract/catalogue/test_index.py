"""A series is found by its key, a user's own key is not mistaken for ours."""

import pytest

from ergoscope_contract import catalogue
from ergoscope_contract.catalogue.index import collect


@pytest.mark.parametrize("key", ["grad_norm", "grad_norm/conv1.weight", "grad_norm/blocks.0/weird/name"])
def test_a_quantity_and_its_layers_have_one_entry(key: str) -> None:
    assert catalogue.entry(key) is catalogue.ALL["grad_norm"]


@pytest.mark.parametrize("key", ["val/acc", "accuracy", "loss/val", "grad_norm/", "", "/grad_norm", "GRAD_NORM"])
def test_a_users_own_key_has_none(key: str) -> None:
    assert catalogue.entry(key) is None


def test_histograms_are_found_by_layer() -> None:
    found = catalogue.entry("grad_hist/conv1.weight")

    assert found is not None
    assert found.shape == "histogram"


def test_a_quantity_declared_twice_is_refused() -> None:
    loss = catalogue.ALL["loss"]

    with pytest.raises(ValueError, match="catalogue id 'loss' is there twice; a quantity is declared once"):
        collect([[loss], [loss]])


def test_the_index_cannot_be_changed() -> None:
    with pytest.raises(TypeError, match="does not support item assignment"):
        catalogue.ALL["mine"] = catalogue.ALL["loss"]  # type: ignore[index]  # that it cannot be done is the claim
