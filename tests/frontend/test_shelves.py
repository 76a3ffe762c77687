"""Series in groups and pages."""

import pytest

from ergoscope_contract.catalogue import ALL, Family
from ergoscope_ui.shelves import AT_ONCE, OWN, Shelf, choose, missing, shelves

MANY = Shelf("val", tuple(f"val/{i:02}" for i in range(AT_ONCE + 1)))


def test_what_the_job_logged_comes_first_and_single_layers_do_not_come() -> None:
    found = shelves(["grad_norm", "grad_norm/conv.weight", "z", "train/acc", "a", "loss"])

    assert [(shelf.name, shelf.keys) for shelf in found if shelf.keys] == [
        (OWN, ("a", "z")),
        ("train", ("train/acc",)),
        ("stationarity", ("grad_norm",)),
        ("operations", ("loss",)),
    ]


def test_every_measured_quantity_has_a_place_without_being_named_here() -> None:
    numbers = [m for m in ALL.values() if m.shape in ("global", "layer", "group", "state")]

    found = shelves(metric.id for metric in numbers)

    assert [key for shelf in found for key in shelf.keys] == [m.id for f in Family for m in numbers if m.family is f]
    assert [metric for shelf in found for metric in missing(shelf)] == []


def test_what_a_family_has_no_series_of_is_missing_from_its_shelf() -> None:
    found = shelves(["grad_norm", "loss"])
    by_name = {shelf.name: missing(shelf) for shelf in found}

    assert [shelf.name for shelf in found] == [family.value for family in Family]
    assert ALL["weight_norm"] in by_name["stationarity"] and ALL["grad_norm"] not in by_name["stationarity"]
    assert by_name["generalization"] and shelves(["val/acc"])[0].family is None
    assert choose(found, "") == (found[0], 1) and choose(shelves(["loss"]), "") == (shelves(["loss"])[-1], 1)


@pytest.mark.parametrize(("page", "first", "size"), [(1, 0, 24), (2, 24, 1), (9, 24, 1), (0, 0, 24)])
def test_a_long_group_has_pages(page: int, first: int, size: int) -> None:
    assert MANY.pages == 2
    assert MANY.page(page) == MANY.keys[first : first + size]


def test_an_address_names_a_group_and_a_page() -> None:
    other = Shelf("loss stabilization", ("loss",))

    assert choose([other, MANY], "val:2") == (MANY, 2)
    assert choose([other, MANY], "val") == (MANY, 1)
    assert choose([other, MANY], "") == choose([other, MANY], "gone") == (other, 1)
    assert choose([], "val") is None


def test_names_that_look_like_pages_or_like_families_are_groups_of_their_own() -> None:
    found = shelves(["0/loss", "1/loss", "val:2/loss", "val/loss", "operations/x", "lr"])

    assert [shelf.name for shelf in found if shelf.keys] == [
        "0",
        "1",
        "operations",
        "val",
        "val:2",
        "operations, measured",
    ]
    assert [shelf.name for shelf, _ in (choose(found, name) or (MANY, 0) for name in ("0", "1", "val:2"))] == [
        "0",
        "1",
        "val:2",
    ]
    assert choose([MANY], "val:" + "9" * 5_000) == (MANY, 1)
