"""Names that secrets go by, and names of models' parts that only sound alike."""

import re
from enum import IntEnum

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ANYWHERE = ("password", "passwd", "passphrase", "credential", "apikey", "apitoken")
_CERTAIN = {"secret", "secrets", "pwd"}
_HEADERS = {"authorization", "cookie", "cookies"}
_LAST = {"key", "token", "pw", "auth", "oauth", "pass", "pat", "signature", "sig", "jwt", "bearer"}
_RUN_TOGETHER = ("token", "secret", "pwd", "key")
_KEYS_OF = {"api", "access", "secret", "private", "ssh", "auth", "service", "encryption", "signing", "wandb", "hf"}
_SUFFIXES = {"id", "value", "pem", "string", "raw", "hex", "base", "b"}
# fmt: off
_OF_MODELS = {
    "pad", "bos", "eos", "unk", "cls", "sep", "mask", "image", "audio", "video", "special", "stop", "start",
    "end", "sort", "primary", "foreign", "public", "partition", "per", "num", "n", "max", "min", "total",
    "next", "first", "last", "forward", "backward", "low", "high", "band", "past", "cached", "query", "attn",
    "sub", "rng", "prng",
}
# fmt: on
_NO_KEYS = {"mon", "don", "tur", "hoc", "joc", "whis", "hot", "lac", "mic", "malar"}  # monkeys and the like


class Naming(IntEnum):
    """What goes by a name; a greater one holds for what lies below it.

    NOTHING: no secret. SEVERAL: secrets unless they are numbers. SECRET: one, unless it is a small number.
    HEADER: likewise, to the end of its line. CERTAIN: one, whatever it looks like.
    """

    NOTHING = 0
    SEVERAL = 1
    SECRET = 2
    HEADER = 3
    CERTAIN = 4


def names_a_secret(name: str) -> bool:
    """Say whether what goes by this name should not be told.

    Example:
        >>> [names_a_secret(name) for name in ("--api-key", "db.password", "hfToken", "max_tokens", "num_key_heads")]
        [True, True, True, False, False]
    """
    return naming(name) is not Naming.NOTHING


def naming(name: str) -> Naming:
    """Say what goes by a name."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if any(word in _CERTAIN or _sounds_certain(word) for word in words):
        return Naming.CERTAIN
    while words and words[-1].isdigit():
        words.pop()
    suffixed = len(words) > 1 and words[-1] in _SUFFIXES
    if suffixed:
        words.pop()
    if not words or (suffixed and words == ["key"]):
        return Naming.NOTHING
    before = words[-2] if len(words) > 1 else ""
    kind = _by_last_word(words[-1], before)
    return Naming.SEVERAL if kind is Naming.SECRET and suffixed else kind


def _sounds_certain(word: str) -> bool:
    return any(part in word for part in _ANYWHERE) or word.endswith(("secret", "pwd"))


def _by_last_word(last: str, before: str) -> Naming:
    if last in _HEADERS:
        return Naming.HEADER
    if before in _OF_MODELS:
        return Naming.NOTHING
    if last == "keys":
        return Naming.SEVERAL if before in _KEYS_OF else Naming.NOTHING
    for ending in ("token", "key"):
        start = last.removesuffix("s").removesuffix(ending)
        if start in _OF_MODELS or (ending == "key" and start in _NO_KEYS):
            return Naming.NOTHING
    if last.endswith("tokens"):
        return Naming.SEVERAL
    return Naming.SECRET if last in _LAST or last.endswith(_RUN_TOGETHER) else Naming.NOTHING
