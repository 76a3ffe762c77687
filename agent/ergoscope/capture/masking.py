"""Secrets in what a job tells: known by the name that they go by, or by their own form."""

import re
from collections.abc import Mapping, Sequence

from ergoscope_contract.records import JsonObject

HIDDEN = "(hidden)"

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ANYWHERE = {"secret", "secrets", "password", "passwd", "passphrase", "pwd", "credential", "credentials", "apikey"}
_LAST = _ANYWHERE | {"key", "token", "auth", "authorization", "pass", "pat", "cookie", "signature", "sig"}
_OF_MODELS = {"pad", "bos", "eos", "unk", "cls", "sep", "mask", "image", "special", "stop", "sort", "primary"}
_NOT_A_SECRET = re.compile(r"-?\d{1,6}|true|false|none|null", re.IGNORECASE)

# No part of these may be tried in many ways: what is masked can be long, and is not ours.
_GIVEN = re.compile(r"""(?<![\w.+-])([\w.+-]{1,100}+)["']?[ \t]{0,4}[=:][ \t]{0,4}["']?""")
_VALUE = re.compile(r"""[^\s"',&;}]+""")
_FORMS = re.compile(
    r"""
      (?<=://)[^/\s:@]*:[^/\s@]+(?=@)                          # user:password@ in an address
    | (?<=[Bb]earer\ )[\w.~+/=-]{4,} | (?<=[Bb]asic\ )[\w+/=]{8,}
    | \b(?:hf|ghp|gho|ghs|ghu|glpat|github_pat|sk|pk|rk|xox[abposr]|npm|pypi)[-_][\w-]{8,}
    | \b(?:AKIA|ASIA)[A-Z0-9]{12,}\b
    | \beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?                   # a JSON web token
    | -----BEGIN[ A-Z]*PRIVATE\ KEY-----[\s\S]*?(?:-----END[ A-Z]*-----|\Z)
    """,
    re.VERBOSE,
)


def names_a_secret(name: str) -> bool:
    """Say whether what goes by this name should not be told.

    Example:
        >>> [names_a_secret(name) for name in ("--api-key", "db.password", "hfToken", "max_tokens", "num_key_heads")]
        [True, True, True, False, False]
    """
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words:
        return False
    if any(word in _ANYWHERE for word in words):
        return True
    return words[-1] in _LAST and not (len(words) > 1 and words[-2] in _OF_MODELS)


def hide_secrets(argv: Sequence[str]) -> list[str]:
    """Give a command line without its secrets.

    Example:
        >>> hide_secrets(["train.py", "--api-key=x", "--token", "y", "--lr", "0.1", "s3://me:pw@host/data"])
        ['train.py', '--api-key=(hidden)', '--token', '(hidden)', '--lr', '0.1', 's3://(hidden)@host/data']
    """
    shown: list[str] = []
    secret = False
    for word in argv:
        if secret and not word.startswith("--"):
            shown.append(HIDDEN)
            secret = False
            continue
        name, given, _ = word.partition("=")
        plain = re.fullmatch(r"[\w.+-]+", name) is not None
        if given and plain and names_a_secret(name):
            shown.append(f"{name}={HIDDEN}")
        else:
            shown.append(mask(word))
        secret = not given and word.startswith("-") and names_a_secret(word)
    return shown


def mask(text: str) -> str:
    """Give a text without what looks like a secret in it.

    Example:
        >>> mask('{"api_key": "abc", "lr": 0.1} https://me:pw@host/?sig=abc')
        '{"api_key": "(hidden)", "lr": 0.1} https://(hidden)@host/?sig=(hidden)'
    """
    text = _FORMS.sub(HIDDEN, text)
    parts: list[str] = []
    done = 0
    for given in _GIVEN.finditer(text):
        value = _VALUE.match(text, given.end()) if names_a_secret(given[1]) else None
        if value and value[0] != HIDDEN and not _NOT_A_SECRET.fullmatch(value[0]) and value.start() >= done:
            parts += [text[done : value.start()], HIDDEN]
            done = value.end()
    return "".join([*parts, text[done:]])


def mask_object(given: Mapping[str, object]) -> JsonObject:
    """Give settings without the texts that go by a secret's name, at any depth.

    Example:
        >>> mask_object({"lr": 0.1, "hub": {"token": "abc", "url": "https://me:pw@host"}, "eos_token": "</s>"})
        {'lr': 0.1, 'hub': {'token': '(hidden)', 'url': 'https://(hidden)@host'}, 'eos_token': '</s>'}
    """
    return {key: _mask_value(key, value) for key, value in given.items()}


def _mask_value(name: str, value: object) -> object:
    if isinstance(value, str):
        return HIDDEN if value and names_a_secret(name) else _FORMS.sub(HIDDEN, value)
    if isinstance(value, Mapping):
        return mask_object(value)
    if isinstance(value, list):
        return [_mask_value(name, inner) for inner in value]
    return value
