"""Secrets in what a job tells: known by the name that they go by, or by their own form.

A secret that is shown does more harm than a harmless word that is hidden, so in doubt a text is hidden; a number is
shown in doubt, since "token" is also a unit of text. No part of an expression here may be tried in many ways: what is
masked can be long, and is not ours.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from ergoscope.capture.paired import find_paired
from ergoscope.capture.secret_names import Naming, naming
from ergoscope_contract.records import JsonObject

HIDDEN = "(hidden)"

# What is shown also under a secret's name: words of code, types, and where the secret is read from.
_WORD_OF_CODE = re.compile(r"true|false|none|null|lambda|(?:torch\.)?Tensor", re.IGNORECASE)
_READ = re.compile(r"os\.(?:environ|getenv)\b")
_A_TYPE = r"(?:typing\.|pydantic\.)?(?:str|bytes|int|float|bool|None|SecretStr|Any|Final|ClassVar|Optional)"
_TYPE = re.compile(
    rf"{_A_TYPE}(?:\[[\w.|, \[\]]{{1,60}})?(?:[ \t]{{0,4}}\|[ \t]{{0,4}}{_A_TYPE}){{0,4}}(?=[\s,;)=]|\Z)"
)
_NUMBER = re.compile(r"[-+]?(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE)
_SMALL = re.compile(r"[-+]?(?:\d{1,5}|\d*\.\d+|[\d.]+e[-+]?\d+)", re.IGNORECASE)

_NAME = r"[\w.+-]{1,100}+"
_QUOTE = r"""\\{0,3}["']"""
_GIVEN = re.compile(
    rf"(?<![\w.+-])(?P<name>{_NAME})(?:{_QUOTE})?\]{{0,2}}[ \t]{{0,40}}"
    r"(?P<sign>[:+?!]?=[=>]?|:)[ \t]{0,40}"
)
_CALLED = re.compile(rf"\([ \t]{{0,4}}[\"'](?P<name>{_NAME})[\"'],[ \t]{{0,4}}(?:default=|value=)?(?=\w{{0,2}}[\"'])")
_OPTION = re.compile(r"(?:(?<![\w-])-{2,3}|(?<=[ \t\"'=])-)(?P<name>\w[\w.-]{0,100}+)[ \t]{1,4}")
_USER = re.compile(r"""(?<![\w-])(?:-u|--user|--proxy-user)[ \t=]{1,4}["']?(?P<user>[^\s:"']{0,100}+:[^\s"']+)""")

_OPENING = re.compile(r"""\w{0,2}(?P<escaped>\\{0,3})(?P<quote>\"\"\"|'''|"|')""")
_HUNK = r"\n(?!@@ |diff )"  # a text that is not closed ends with its part of the diff
_INSIDE = {
    '"': re.compile(r'(?:[^"\\\n]|\\.)*+', re.DOTALL),
    "'": re.compile(r"(?:[^'\\\n]|\\.)*+", re.DOTALL),
    '"""': re.compile(rf'(?:[^"\\\n]|\\.|"(?!"")|{_HUNK})*+', re.DOTALL),
    "'''": re.compile(rf"(?:[^'\\\n]|\\.|'(?!'')|{_HUNK})*+", re.DOTALL),
}
_ESCAPED = re.compile(r"""[^"'\\\n]*+""")
# After a text, another one that continues it: side by side, added, or on the next line of a diff.
_CONTINUED = re.compile(
    r"""[ \t]{0,40}(?:\+[ \t]{0,40})?
        (?:(?:\\|\#[^\n]{0,200}+)?\n[+\ -]?[ \t]{0,200}(?:\+[ \t]{0,40})?(?!\w{0,2}(?:\"\"\"|'\'')))?(?=\w{0,2}["'])""",
    re.VERBOSE,
)
_CLOSING = re.compile(r"""\\{0,3}(?P<quote>\"\"\"|'\''|"|')""")
_BRACKETS = re.compile(
    r"""(?P<open>[\[({])|(?P<close>[\])}])|(?P<end>\n(?:@@ |diff ))|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+'"""
)
_PLAIN = re.compile(r"""[^\s"',&;}]+""")
_LINE = re.compile(r"""[^\n"']+""")
_CALL = re.compile(r"[A-Za-z_][\w.]{0,100}+(?P<bracket>[(\[])")
_AGAIN = re.compile(r"[ \t]{0,40}=(?!=)[ \t]{0,40}")

_ADDRESS = re.compile(r"""(?<=://)[^\s"'<>`]+""")
_PORT = re.compile(r"\d{1,5}(?:[/?#]|\Z)")
_FORMS = re.compile(
    r"""
      (?<![\w.:/@-])[A-Za-z][\w.-]{0,60}+:(?!//)[^\s"'@]{1,200}+(?=@\w)(?!@sha256)   # user:password@host
    | (?i:(?<=bearer\ ))[ ]*[\w.~+/=-]{3,} | (?i:(?<=basic\ ))[\w+/=]{8,}
    | (?<=hooks\.slack\.com/services/)[\w/-]+ | (?<=discord\.com/api/webhooks/)[\w/-]+
    | \b(?:ghp|gho|ghs|ghu|ghr|glpat|github_pat|sk|pk|rk|gsk|xox[abposr]|xapp|npm|pypi|nvapi)[-_][\w-]{8,}
    | \bergo_[0-9a-f]{12}_[\w-]{8,}                            # our own
    | \bhf_[A-Za-z0-9]{10,}                                    # not hf_hub_download
    | \bdo[opr]_v1_\w{8,} | \bAIza[\w-]{10,} | \bya29\.[\w-]{8,} | \bSG\.[\w-]{8,}\.[\w-]{8,}
    | \b(?:AKIA|ASIA)[A-Z0-9]{12,}\b
    | \beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?                   # a JSON web token
    | -----BEGIN[ A-Z]*PRIVATE\ KEY-----[\s\S]*?(?:-----END[ A-Z]*-----|\Z)
    """,
    re.VERBOSE,
)
_OPTION_NAME = re.compile(r"--?[A-Za-z][A-Za-z_.-]*\d{0,3}(?:=.*)?", re.DOTALL)
_USER_OPTIONS = {"-u", "--user", "--proxy-user"}


def hide_secrets(argv: Sequence[str]) -> list[str]:
    """Give a command line without its secrets.

    Example:
        >>> hide_secrets(["train.py", "--api-key=x", "--token", "y", "--lr", "0.1", "s3://me:pw@host/data"])
        ['train.py', '--api-key=(hidden)', '--token', '(hidden)', '--lr', '0.1', 's3://(hidden)@host/data']
    """
    shown: list[str] = []
    awaited = Naming.NOTHING  # what the next word goes by
    before = ""
    for word in argv:
        if awaited and not (word.startswith("--") and _OPTION_NAME.fullmatch(word)):
            if awaited is not Naming.SEVERAL:
                shown.append(HIDDEN)
                awaited = Naming.SEVERAL if before.endswith(("secrets", "words", "phrases")) else Naming.NOTHING
                continue
            if not word.startswith("-"):
                counts = _NUMBER.fullmatch(word) is not None
                shown.append(word if counts else HIDDEN)
                awaited = Naming.NOTHING if counts else awaited
                continue
        shown.append(_hide_user(word) if before in _USER_OPTIONS else _hide_word(word))
        plain = word.startswith("-") and re.fullmatch(_NAME, word)
        awaited, before = naming(word) if plain else Naming.NOTHING, word
    return shown


def _hide_word(word: str) -> str:
    name, given, value = word.partition("=")
    kind = naming(name) if given and re.fullmatch(_NAME, name) else Naming.NOTHING
    if kind and not (kind is Naming.SEVERAL and _NUMBER.fullmatch(value)):
        return f"{name}={HIDDEN}"
    return mask(word)


def _hide_user(word: str) -> str:
    name, given, password = word.partition(":")
    return HIDDEN if given and not (name.isdigit() and password.isdigit()) else mask(word)


def mask(text: str) -> str:
    """Give a text without what looks like a secret in it.

    Example:
        >>> mask('{"api_key": "abc", "lr": 0.1} https://me:pw@host/?sig=abc')
        '{"api_key": "(hidden)", "lr": 0.1} https://(hidden)@host/?sig=(hidden)'
    """
    text = _hide_paired(text)
    text = _ADDRESS.sub(lambda found: "://".join(map(_without_user, found[0].split("://"))), text)
    text = _FORMS.sub(HIDDEN, text)
    text = _USER.sub(lambda found: found[0].replace(found["user"], _hide_user(found["user"])), text)
    for pattern in (_GIVEN, _CALLED, _OPTION):
        text = _hide_values(text, pattern)
    return text


def _hide_paired(text: str) -> str:
    parts: list[str] = []
    done = 0
    for start, end, kind in sorted(find_paired(text)):
        if start >= done and not _harmless(text[start:end].strip(" \t\n+-"), kind):
            parts += [text[done:start], HIDDEN]
            done = end
    return "".join([*parts, text[done:]])


def _without_user(address: str) -> str:
    """Hide what stands before the host, also where a password has "/" or "@" in it that nobody has quoted."""
    host = re.split(r"[/?#]", address, maxsplit=1)[0]
    name, given, rest = host.partition(":")
    if given and "@" not in name and not _PORT.match(address, len(name) + 1):
        end = address.rfind("@")
    else:
        end = host.rfind("@") if not rest or "@" in host else -1
    return HIDDEN + address[end:] if end >= 0 else address


def _hide_values(text: str, pattern: re.Pattern[str]) -> str:
    parts: list[str] = []
    done = 0
    for found in pattern.finditer(text):
        kind = naming(found["name"]) if found.end() >= done else Naming.NOTHING
        at = found.end()
        while kind:
            start, end = _span(text, at, kind)
            if start < end:
                for begin, stop in [(start, end), *_continued(text, start, end)]:
                    parts += [text[done:begin], HIDDEN]
                    done = stop
            # After a colon there may be a type first, and then the value.
            typed = _AGAIN.match(text, end) if found.groupdict().get("sign") == ":" and at == found.end() else None
            kind, at = (kind, typed.end()) if typed else (Naming.NOTHING, at)
    return "".join([*parts, text[done:]])


def _span(text: str, at: int, kind: Naming) -> tuple[int, int]:
    """Find the value that begins at a place; where nothing of it is to be hidden, start and end are its end."""
    if text.startswith(HIDDEN, at):
        return at + len(HIDDEN), at + len(HIDDEN)
    if opening := _OPENING.match(text, at):
        inside = _ESCAPED if opening["escaped"] else _INSIDE[opening["quote"]]
        start, end = opening.end(), _end(inside, text, opening.end())
        return (end, end) if _harmless(text[start:end], kind) else (start, end)
    if text[at : at + 1] in {"[", "{", "("}:
        end = _closed(text, at)
        return (end, end) if _harmless(text[at + 1 : end], kind) else (at + 1, end)
    return _unquoted(text, at, kind)


def _continued(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Find the texts that continue the one between two places."""
    opened = text[max(start - 3, 0) : start]
    while (closing := _CLOSING.match(text, end)) and opened.endswith(closing["quote"]):
        joint = _CONTINUED.match(text, closing.end())
        opening = _OPENING.match(text, joint.end()) if joint else None
        if opening is None:
            return
        inside = _ESCAPED if opening["escaped"] else _INSIDE[opening["quote"]]
        start, end = opening.end(), _end(inside, text, opening.end())
        opened = opening["quote"]
        yield start, end


def _unquoted(text: str, at: int, kind: Naming) -> tuple[int, int]:
    if _READ.match(text, at):
        return at, at
    if typed := _TYPE.match(text, at):
        return typed.end(), typed.end()
    if called := _CALL.match(text, at):
        if called["bracket"] == "(" and _OPENING.match(text, called.end()):  # SecretStr("...")
            return _span(text, called.end(), kind)
        if kind is not Naming.CERTAIN:
            return at, at
    end = _end(_LINE if kind is Naming.HEADER else _PLAIN, text, at)
    return (end, end) if _harmless(text[at:end], kind) else (at, end)


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _closed(text: str, at: int) -> int:
    """Find the bracket that closes the one at a place, or the end of what may belong to it."""
    depth = 0
    for found in _BRACKETS.finditer(text, at):
        if found["end"]:
            return found.start()
        depth += bool(found["open"]) - bool(found["close"])
        if not depth:
            return found.start()
    return len(text)


def _harmless(value: str, kind: Naming) -> bool:
    if not value.strip() or value == HIDDEN or _WORD_OF_CODE.fullmatch(value):
        return True
    if kind is Naming.SEVERAL:
        return all(_NUMBER.fullmatch(part.strip()) for part in value.rstrip(")]").split(","))
    return kind is not Naming.CERTAIN and _SMALL.fullmatch(value.rstrip(")]")) is not None


def mask_object(given: Mapping[str, object]) -> JsonObject:
    """Give settings without what goes by a secret's name, at any depth; their shape stays.

    Example:
        >>> mask_object({"lr": 0.1, "hub": {"token": "abc", "url": "https://me:pw@host"}, "eos_token": "</s>"})
        {'lr': 0.1, 'hub': {'token': '(hidden)', 'url': 'https://(hidden)@host'}, 'eos_token': '</s>'}
    """
    return {key: _mask_value(value, naming(str(key))) for key, value in given.items()}


def _mask_value(value: object, kind: Naming) -> object:
    if isinstance(value, Mapping):
        return {key: _mask_value(inner, max(kind, naming(str(key)))) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        if not kind and all(isinstance(inner, str) for inner in value):
            return hide_secrets([str(inner) for inner in value])  # a command line, perhaps
        return [_mask_value(inner, kind) for inner in value]
    if isinstance(value, str):
        return mask(value) if not kind else value if not value or _counts(value, kind) else HIDDEN
    if isinstance(value, int | float) and not isinstance(value, bool) and kind and not _harmless(str(value), kind):
        return HIDDEN
    return value


def _counts(value: str, kind: Naming) -> bool:
    return kind is Naming.SEVERAL and _NUMBER.fullmatch(value) is not None
