"""The examples in the docstrings are true."""

import doctest
import importlib
import pkgutil

import pytest

import ergoscope_contract

MODULES = [m.name for m in pkgutil.walk_packages(ergoscope_contract.__path__, "ergoscope_contract.")]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))

    assert result.failed == 0
