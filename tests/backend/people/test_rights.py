"""What a caller may do, and where."""

import pytest

from ergoscope_server.people.rights import ALL_RIGHTS, OPEN, ROLES, Caller, Right, expand

READ, WRITE = frozenset({Right.READ}), frozenset({Right.WRITE})


def test_a_right_everywhere_holds_in_every_project() -> None:
    caller = Caller("c", everywhere=READ)

    assert caller.may(READ, "any")
    assert not caller.may(WRITE, "any")
    assert caller.may(READ | WRITE, "any")  # one of them is enough
    assert caller.may_everywhere(READ) and caller.may_somewhere(READ)
    assert caller.where(READ) is None
    assert caller.where(WRITE) == frozenset()


def test_a_right_in_one_project_holds_there_only() -> None:
    caller = Caller("c", projects={"a": READ | WRITE, "b": READ})

    assert caller.may(WRITE, "a") and not caller.may(WRITE, "b") and not caller.may(READ, "c")
    assert caller.may_somewhere(WRITE) and not caller.may_everywhere(READ)
    assert caller.where(READ) == {"a", "b"}
    assert caller.where(WRITE) == {"a"}


def test_where_nobody_is_asked_everybody_may_everything() -> None:
    assert OPEN.where(ALL_RIGHTS) is None
    assert all(OPEN.may_everywhere(frozenset({right})) for right in Right)


def test_admin_stands_for_all_rights() -> None:
    assert expand(["admin"]) == ALL_RIGHTS
    assert expand(["read", "write"]) == READ | WRITE
    assert expand([]) == frozenset()
    assert ROLES["member"] == READ | WRITE


def test_an_unknown_scope_is_refused() -> None:
    with pytest.raises(ValueError, match="'root' is not a valid Right"):
        expand(["root"])


def test_a_run_beside_may_be_read_and_nothing_else() -> None:
    caller = Caller("link", runs=frozenset({"r"}))

    assert caller.may_of(READ, "r", "any") and not caller.may_of(READ, "q", "any")
    assert not caller.may_of(WRITE, "r", "any")
    assert caller.may_somewhere(READ) and not caller.may_somewhere(WRITE)
    assert caller.where(READ) == frozenset()
