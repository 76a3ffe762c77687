"""Tokens: long random words that programs come in by, shown once and kept as a digest.

A token is `ergo_ID_SECRET`. The ID finds its row; the secret has 256 random bits. That is why SHA-256 is enough to keep
it by: nobody can try secrets until a digest fits, however fast it is made, and a slow hash, which passwords need
because people choose them, would cost every batch tenths of a second and protect nothing.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

_FORM = re.compile(r"ergo_(?P<id>[0-9a-f]{12})_(?P<secret>[A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class Secret:
    """What somebody comes in by, as it was told.

    id: names the row that it is checked against.
    """

    id: str
    word: str

    @property
    def digest(self) -> bytes:
        """What is kept of it."""
        return hashlib.sha256(self.word.encode()).digest()

    @property
    def token(self) -> str:
        """The token, to be shown once."""
        return f"ergo_{self.id}_{self.word}"

    def fits(self, digest: bytes) -> bool:
        """Say whether a digest is of this one, in the same time whichever byte differs."""
        return hmac.compare_digest(self.digest, digest)


def draw() -> Secret:
    """Make a new one."""
    return Secret(secrets.token_hex(6), secrets.token_urlsafe(32))


def read_secret(text: str) -> Secret | None:
    """Read what somebody gives as a token; None where it has not the form of one.

    Example:
        >>> read_secret("ergo_00aa11bb22cc_" + "x" * 43).id
        '00aa11bb22cc'
    """
    match = _FORM.fullmatch(text)
    return Secret(match["id"], match["secret"]) if match else None
