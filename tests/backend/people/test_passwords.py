"""Passwords cost to guess, and are kept as argon2 writes them."""

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type

from ergoscope_server.people.passwords import PasswordError, hash_password, is_right

GOOD = "correct horse"


def test_the_right_one_is_right_and_another_is_not() -> None:
    kept = hash_password(GOOD)

    assert is_right(GOOD, kept)
    assert not is_right(GOOD + "s", kept)
    assert not is_right("", kept)


def test_what_is_kept_is_argon2id_with_a_salt_and_64_mib() -> None:
    one, other = hash_password(GOOD), hash_password(GOOD)

    parameters = extract_parameters(one)
    assert one != other
    assert GOOD not in one
    assert (parameters.type, parameters.memory_cost, parameters.salt_len) == (Type.ID, 64 * 1024, 16)


def test_where_there_is_nobody_no_password_is_right() -> None:
    assert not is_right(GOOD, None)
    assert not is_right(GOOD, "no hash")


@pytest.mark.parametrize("password", ["", "x" * 9, "x" * 1001])
def test_one_that_is_too_short_or_long_is_refused_without_being_told(password: str) -> None:
    with pytest.raises(
        PasswordError, match=f"the password has {len(password)} characters; it must have from 10 to 1000"
    ):
        hash_password(password)


def test_a_very_long_guess_is_cut_and_wrong() -> None:
    longest = "x" * 1000

    assert is_right(longest, hash_password(longest))
    assert not is_right(longest * 1000, hash_password(longest))
