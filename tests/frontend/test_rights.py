"""What somebody may do is read from the service's answer, and nothing is taken for granted."""

import pytest

from ergoscope_contract.records import JsonObject
from ergoscope_ui.rights import NOTHING, Rights, read_rights


def test_rights_are_those_in_all_projects_and_those_in_one() -> None:
    told: JsonObject = {
        "name": "ada",
        "account": "ada",
        "everywhere": ["read"],
        "projects": {"ours": ["admin", "read", "write"]},
    }

    rights = read_rights(told)

    assert (rights.account, rights.name) == ("ada", "ada")
    assert [rights.may(right, "ours") for right in ("read", "write", "admin")] == [True, True, True]
    assert [rights.may(right, "theirs") for right in ("read", "write", "admin")] == [True, False, False]


@pytest.mark.parametrize("told", [{}, {"everywhere": "admin", "projects": []}, {"projects": {"p": None}}])
def test_an_answer_that_says_nothing_gives_nothing(told: JsonObject) -> None:
    assert not read_rights(told).may("read", "p")
    assert not NOTHING.may("read", "p")
    assert Rights(everywhere=frozenset({"admin"})).may("admin", "p")
