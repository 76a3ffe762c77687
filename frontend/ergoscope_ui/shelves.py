"""A run's series in groups: what its code logged, by the first part of the name; what is measured, by its question."""

from collections.abc import Container, Iterable
from dataclasses import dataclass

from ergoscope_contract.catalogue import ALL, Family, Metric, entry

AT_ONCE = 24
OWN = "logged"
MEASURED = ", measured"  # where the job logs under the name of a family
_RECORDS = ("histogram", "sketch", "spectrum", "grid")  # shapes that are no numbers over steps


@dataclass(frozen=True, slots=True)
class Shelf:
    """Series that are shown together, `name` in the address and on its link; `family` where they are measured."""

    name: str
    keys: tuple[str, ...]
    family: Family | None = None

    @property
    def pages(self) -> int:
        """How many pages of 24 it takes."""
        return max(1, -(-len(self.keys) // AT_ONCE))

    def page(self, number: int) -> tuple[str, ...]:
        """The keys of a page, counted from 1; of one that is not there, those of the last."""
        at = AT_ONCE * (min(max(number, 1), self.pages) - 1)
        return self.keys[at : at + AT_ONCE]


def shelves(keys: Iterable[str]) -> list[Shelf]:
    """Group keys: the job's own first, then the measured ones by family; those of single layers are left out.

    Within a family series stand in the order of the catalogue. Once anything is measured every family has a shelf,
    empty ones too: what it has no chart of is then said with the reason (`missing`).

    Example:
        >>> [(shelf.name, shelf.keys) for shelf in shelves(["lr", "val/acc", "loss", "epoch", "a/b"]) if shelf.keys]
        [('logged', ('epoch',)), ('a', ('a/b',)), ('val', ('val/acc',)), ('operations', ('loss', 'lr'))]
    """
    own: dict[str, list[str]] = {}
    measured: dict[Family, set[str]] = {}
    for key in keys:
        metric = entry(key)
        if metric is None:
            prefix, slash, _ = key.partition("/")
            own.setdefault(prefix if slash else OWN, []).append(key)
        elif key == metric.id:
            measured.setdefault(metric.family, set()).add(key)
    ordered = sorted(own, key=lambda name: (name != OWN, name))
    logged = [Shelf(name, tuple(sorted(own[name]))) for name in ordered]
    return logged + [_shelf(family, measured.get(family, set()), own) for family in Family if measured]


def _shelf(family: Family, there: Container[str], own: Container[str]) -> Shelf:
    name = f"{family.value}{MEASURED * (family.value in own)}"
    return Shelf(name, tuple(metric.id for metric in ALL.values() if metric.id in there), family)


def missing(shelf: Shelf) -> list[Metric]:
    """The quantities of a shelf's family that are numbers of the whole model and have no series here."""
    metrics = [metric for metric in ALL.values() if metric.family is shelf.family]
    return [metric for metric in metrics if metric.shape not in _RECORDS and metric.id not in shelf.keys]


def choose(found: list[Shelf], wanted: str) -> tuple[Shelf, int] | None:
    """Find the shelf and page that an address names as "name" or "name:page"; the first one when it names none."""
    if not found:
        return None
    first = next((shelf for shelf in found if shelf.keys), found[0])
    by_name = {shelf.name: shelf for shelf in found}
    if wanted in by_name:
        return by_name[wanted], 1
    name, _, page = wanted.rpartition(":")
    number = int(page) if page.isdecimal() and len(page) < 6 else 1
    return by_name.get(name, first), number if name in by_name else 1
