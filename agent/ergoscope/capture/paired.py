"""Values that go by a name in files of settings which need no sign between the two: netrc and XML."""

import re
from collections.abc import Iterator

from ergoscope.capture.secret_names import Naming, naming

_GAP = r"(?:[ \t]{1,40}|[ \t]{0,40}\n[+ -]?[ \t]{0,40})"  # within a diff, a new line begins with its sign
_NETRC = re.compile(
    rf"(?:^[+ -]?[ \t]{{0,40}}|(?<=[\"' ]))(?:machine{_GAP}\S{{1,200}}+|default)"
    rf"(?:{_GAP}(?:login|account|password){_GAP}\S{{1,500}}+){{1,4}}",
    re.MULTILINE,
)
_PASSWORD = re.compile(rf"(?<=\s)password{_GAP}(?P<value>[^\s\"']+)")

_TAG = re.compile(r"<(?P<name>[A-Za-z_][\w.:-]{0,100}+)(?P<inside>[^<>]{0,1000}+)>")
_TEXT = re.compile(r"<!\[CDATA\[(?P<quoted>(?:[^\]]|\](?!\]>)){1,5000}+)|(?P<plain>[^<]{1,5000}+)(?=</)")
_ATTRIBUTE = re.compile(
    r"(?<![\w.:-])(?P<name>[A-Za-z_][\w.:-]{0,100}+)\s{0,9}=\s{0,9}(?:\"(?P<a>[^\"]*+)\"|'(?P<b>[^']*+)')"
)
_NAMING = {"key", "name", "id", "property"}  # attributes, and elements, that hold the name of what stands beside them
_NAMES = re.compile(r"[\w.:-]{1,100}")


def find_paired(text: str) -> Iterator[tuple[int, int, Naming]]:
    """Find the values that go by a secret's name.

    Yields:
        Start, end and what the name says, in the order of the text for each kind of file.
    """
    yield from _in_netrc(text)
    yield from _in_markup(text)


def _in_netrc(text: str) -> Iterator[tuple[int, int, Naming]]:
    for entry in _NETRC.finditer(text):
        begins_a_line = entry[0][:1] not in {"m", "d"} or text[max(entry.start() - 1, 0)] == "\n"
        if begins_a_line or "login" in entry[0]:  # else it is prose, perhaps
            for found in _PASSWORD.finditer(text, entry.start(), entry.end()):
                yield *found.span("value"), Naming.CERTAIN


def _in_markup(text: str) -> Iterator[tuple[int, int, Naming]]:
    pending = Naming.NOTHING  # what the next element goes by, as after <key>password</key>
    for tag in _TAG.finditer(text):
        name = tag["name"].rpartition(":")[2]
        attributes = list(_ATTRIBUTE.finditer(text, *tag.span("inside")))
        said = [_naming(found["a"] or found["b"] or "") for found in attributes if found["name"].lower() in _NAMING]
        kind = max(said, default=Naming.NOTHING)
        if kind:
            yield from (
                (*found.span("a" if found["a"] else "b"), kind)
                for found in attributes
                if found["name"].lower() in {"value", "val"}
            )
        content = _TEXT.match(text, tag.end())
        names = name.lower() in _NAMING and not said
        kind = max(kind, pending, Naming.NOTHING if names else naming(name))
        pending = _naming((content["quoted"] or content["plain"]).strip()) if content and names else Naming.NOTHING
        if content and kind and not names:
            yield *content.span("quoted" if content["quoted"] else "plain"), kind


def _naming(name: str) -> Naming:
    return naming(name) if _NAMES.fullmatch(name) else Naming.NOTHING
