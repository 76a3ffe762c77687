"""Which quantities a run has by layer."""

import pytest

from ergoscope_contract.catalogue import ALL
from ergoscope_ui.layered import FIRST, QUANTITIES, against, choose, names, of_layer, offered

KEYS = ["loss", "grad_norm", "grad_norm/a.weight", "zero_fraction/relu", "update_norm/a.weight", "lr/0", "val/a.weight"]


def test_every_quantity_of_layers_is_offered_once_the_run_has_it() -> None:
    every = [metric.id for metric in ALL.values() if metric.shape == "layer"]

    found = [metric.id for _, some in offered(f"{quantity}/a" for quantity in every) for metric in some]

    assert sorted(found) == sorted(every) == sorted(QUANTITIES)


def test_quantities_stand_by_family_and_only_where_a_layer_has_one() -> None:
    assert [(family.value, [metric.id for metric in some]) for family, some in offered(KEYS)] == [
        ("stationarity", ["grad_norm"]),
        ("stability", ["update_norm"]),
        ("capacity and structure", ["zero_fraction"]),
    ]


def test_parameters_and_modules_have_the_charts_that_exist_for_them() -> None:
    assert names(KEYS) == ["a.weight", "relu"]
    assert of_layer(KEYS, "a.weight") == ["grad_norm", "update_norm"]
    assert of_layer(KEYS, "relu") == ["zero_fraction"]
    assert of_layer(KEYS, "gone") == of_layer(KEYS, "") == []


def test_the_quantity_asked_for_is_shown_even_before_it_has_come() -> None:
    assert choose(offered(KEYS), "kurtosis") == "kurtosis"
    assert choose(offered(KEYS), "loss") == choose([], "") == FIRST
    assert choose(offered(["kurtosis/a"]), "") == "kurtosis"


@pytest.mark.parametrize(
    ("quantity", "how"),
    [
        ("grad_norm", "ratio"),
        ("eff_lr", "ratio"),
        ("stable_rank", "ratio"),
        ("zero_fraction", "zero"),
        ("dead_unit_rate", "zero"),
        ("weight_mean", "difference"),
        ("kurtosis", "difference"),
        ("cos_w_neg_grad", "difference"),
        ("friction", "difference"),
    ],
)
def test_rows_are_compared_as_the_range_of_the_quantity_allows(quantity: str, how: str) -> None:
    assert against(quantity) == how
