"""A login that a browser began with a provider, as the browser keeps it until it comes back.

It is signed, so that nobody makes or changes one, and nothing of it is kept here: whoever opens the address that begins
a login, as often as they like, costs no row. It is no secret from the browser, whose own login it is.
"""

import hashlib
import secrets
from dataclasses import asdict, dataclass

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

LASTS_S = 600.0
_ALGORITHM = "HS256"
_OURS = "ergoscope login"


@dataclass(frozen=True, slots=True)
class Begun:
    """What must come back, or be shown when it does.

    state: comes back with the browser. nonce: stands in what the provider signs. verifier: shows the provider that who
    asks for it is who began (PKCE). wanted: where to go afterwards.
    """

    state: str
    nonce: str
    verifier: str
    wanted: str


def begin(wanted: str) -> Begun:
    """Draw what a login needs."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return Begun(state, nonce, verifier, wanted)


class Seal:
    """Signs and reads them, in every process of a service alike."""

    def __init__(self, secret: str) -> None:
        """Make a key of the client's secret; slowly, so that nobody finds a short one from what is signed."""
        key = hashlib.scrypt(secret.encode(), salt=_OURS.encode(), n=2**14, r=8, p=1, dklen=32)
        self._key = OctKey.import_key(key)

    def close(self, begun: Begun, *, now: float) -> str:
        """Give what the browser is to keep."""
        claims = {**asdict(begun), "iss": _OURS, "exp": int(now + LASTS_S)}
        return jwt.encode({"alg": _ALGORITHM}, claims, self._key, algorithms=[_ALGORITHM])

    def open(self, kept: str, *, now: float) -> Begun | None:
        """Read what a browser kept; None where it is not ours, or too old."""
        try:
            claims = jwt.decode(kept, self._key, algorithms=[_ALGORITHM]).claims
            jwt.JWTClaimsRegistry(
                now=int(now), iss={"essential": True, "value": _OURS}, exp={"essential": True}
            ).validate(claims)
            return Begun(*(claims[name] for name in ("state", "nonce", "verifier", "wanted")))
        except (JoseError, ValueError, KeyError):
            return None
