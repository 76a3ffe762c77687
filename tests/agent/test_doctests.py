"""The examples in the docstrings are true."""

import doctest
import importlib
import pkgutil

import pytest

import ergoscope

MODULES = [
    module.name
    for module in pkgutil.walk_packages(ergoscope.__path__, "ergoscope.")
    if not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))

    assert result.failed == 0
