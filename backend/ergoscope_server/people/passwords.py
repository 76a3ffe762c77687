"""Passwords: what is kept of one, and whether one is right.

People choose them, so they can be guessed, and each guess must cost: argon2id as RFC 9106 advises where memory is
scarce, 64 MiB and three passes, which takes tenths of a second.
"""

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

FEWEST, MOST = 10, 1000  # characters
_hasher = PasswordHasher()


class PasswordError(ValueError):
    """A password that cannot be set; the text says what is allowed."""


def hash_password(password: str) -> str:
    """Give what is kept of a password.

    Raises:
        PasswordError: it is too short, or too long.
    """
    if not FEWEST <= len(password) <= MOST:
        raise PasswordError(f"the password has {len(password)} characters; it must have from {FEWEST} to {MOST}")
    return _hasher.hash(password)


def is_right(password: str, kept: str | None) -> bool:
    """Say whether a password is the one that something is kept of; None where there is nobody, which takes as long."""
    try:
        return _hasher.verify(kept or _nobodys(), password[: MOST + 1]) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys() -> str:
    """Give what would be kept of a random word: that there is no such account must take as long to find out."""
    return _hasher.hash(secrets.token_hex())
