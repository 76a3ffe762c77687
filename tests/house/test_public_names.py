"""The names that others may use; adding one is a decision, and so is taking one away."""

import importlib

import pytest

NAMES = {
    "ergoscope": [
        "AnswerError",
        "Api",
        "Curvature",
        "ErgoscopeError",
        "MissingTorchError",
        "NoServerError",
        "Points",
        "RingError",
        "Run",
        "ServerError",
        "SettingError",
        "Settings",
        "SpoolError",
        "StoredRun",
        "UnknownRunError",
        "alert",
        "finish",
        "init",
        "log",
        "twin",
        "watch",
    ],
    "ergoscope_contract": [
        "CONTRACT_VERSION",
        "answers",
        "catalogue",
        "codec",
        "columns",
        "errors",
        "jsonable",
        "records",
        "slices",
    ],
    "ergoscope_contract.catalogue": ["ALL", "Cost", "Family", "Metric", "Reduce", "entry"],
}


@pytest.mark.parametrize("package", NAMES)
def test_a_package_offers_these_names_and_no_others(package: str) -> None:
    module = importlib.import_module(package)

    assert sorted(module.__all__) == NAMES[package]
    assert all(hasattr(module, name) for name in module.__all__)


@pytest.mark.parametrize("package", ["ergoscope_server", "ergoscope_ui"])
def test_service_and_page_are_programs_and_offer_no_names(package: str) -> None:
    module = importlib.import_module(package)

    assert getattr(module, "__all__", []) == []


def test_a_name_that_is_not_there_is_told_with_those_that_are() -> None:
    module = importlib.import_module("ergoscope")

    with pytest.raises(AttributeError, match=r"has no attribute 'wotch'; it has: .*watch"):
        module.wotch  # noqa: B018  # reading it is the act
