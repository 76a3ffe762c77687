"""The examples in the service's docstrings."""

import doctest
import importlib
import pkgutil

import pytest

import ergoscope_server

NAMES = [
    m.name for m in pkgutil.walk_packages(ergoscope_server.__path__, "ergoscope_server.") if "migrations" not in m.name
]


@pytest.mark.parametrize("name", NAMES)
def test_examples_give_what_they_say(name: str) -> None:
    failures, _ = doctest.testmod(importlib.import_module(name), extraglobs={"np": importlib.import_module("numpy")})

    assert failures == 0
