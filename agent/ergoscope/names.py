"""Names for runs: readable ones for people, ids for machines."""

import hashlib
import re
import secrets
import time

_QUALITIES = re.findall(
    r"\w+",
    """
    amber ample ancient arctic autumn azure bold brave bright brisk calm candid cedar clear clever coastal cobalt
    copper coral cosmic crimson crisp daring deep eager early earnest ember fair fleet floral fluent foggy gentle
    gilded glad golden grand granite green hazel hidden honest humble indigo ivory jade jolly keen kind lively lofty
    lucid lunar maple mellow merry mild misty modest mossy nimble noble northern olive opal patient pearl placid
    plain polar proud quick quiet rapid ruby rustic sandy scarlet serene sharp silent silver sleek smooth snowy
    solar solid spry stable steady stellar still sturdy sunny swift tidal topaz tranquil velvet vivid warm wild wise
    young
    """,
)
_THINGS = re.findall(
    r"\w+",
    """
    anchor aspen badger basin beacon birch bison brook canyon cedar cliff cloud comet condor cove crane creek crest
    delta dune eagle elm falcon fern field finch fjord forest fox galaxy garden geyser glacier grove gull harbor
    hare hawk heath heron hill horizon island jaguar juniper kestrel lagoon lake lantern lark ledge lynx maple marsh
    meadow mesa moon moss oak oasis ocean orchid osprey otter owl panda peak pebble pine plover pond prairie puffin
    quail rain raven reef ridge river robin sable sail salmon sequoia shore sparrow spring spruce star stone stream
    summit swan tern thistle tide trail tundra valley violet walnut wave willow wind wolf wren yarrow zephyr
    """,
)
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # 32 signs; no letter that reads as another
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PLACE = re.compile(rf"(?P<run>{_ID.pattern})(?:@|\?_step=)(?P<step>[0-9]{{1,18}})")


def readable_name(run: str) -> str:
    """Give a name such as "calm-otter-41" for a run's id: the same one in every attempt and on every rank."""
    number = int.from_bytes(hashlib.sha256(run.encode()).digest()[:8], "big")
    number, tail = divmod(number, 90)
    number, thing = divmod(number, len(_THINGS))
    return f"{_QUALITIES[number % len(_QUALITIES)]}-{_THINGS[thing]}-{tail + 10}"


def run_id(*, now: float | None = None) -> str:
    """Make an id of 13 characters: seconds since 1970 first, so that ids sort by birth, then 33 random bits.

    Example:
        >>> run_id(now=0)[:6]
        '000000'
    """
    seconds = int(time.time() if now is None else now) & 0xFFFFFFFF
    number = seconds << 33 | secrets.randbits(33)
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(60, -1, -5))


def read_place(text: str) -> tuple[str, int] | None:
    """Read a step of a run, written "RUN@STEP", or "RUN?_step=STEP" as wandb has it; None where it is neither.

    Example:
        >>> read_place("06qh1z3k9d2ab@1000"), read_place("first?_step=20"), read_place("first")
        (('06qh1z3k9d2ab', 1000), ('first', 20), None)
    """
    found = _PLACE.fullmatch(text)
    return (found["run"], int(found["step"])) if found is not None else None


def is_run_id(text: str) -> bool:
    """Say whether a text may be a run's id: it becomes a folder's name and a part of addresses."""
    return _ID.fullmatch(text) is not None
