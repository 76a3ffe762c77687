"""The tree, looked through once."""

import pytest

from tests.house.tree import House, written


@pytest.fixture(scope="session")
def house() -> House:
    """Every file of the tree that people wrote."""
    return written()
