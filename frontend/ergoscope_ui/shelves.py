"""A run's series in groups: what its code logged, by the first part of the name; what is measured, by its question."""

from collections.abc import Iterable
from dataclasses import dataclass

from ergoscope_contract.catalogue import Family, entry

AT_ONCE = 24
OWN = "logged"


@dataclass(frozen=True, slots=True)
class Shelf:
    """Series that are shown together, `name` in the address and on its link."""

    name: str
    keys: tuple[str, ...]

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

    Example:
        >>> [(shelf.name, shelf.keys) for shelf in shelves(["loss", "val/acc", "lr", "epoch", "grad_norm/a"])]
        [('logged', ('epoch',)), ('val', ('val/acc',)), ('operations', ('loss', 'lr'))]
    """
    own: dict[str, list[str]] = {}
    measured: dict[Family, list[str]] = {}
    for key in keys:
        metric = entry(key)
        if metric is None:
            prefix, slash, _ = key.partition("/")
            own.setdefault(prefix if slash else OWN, []).append(key)
        elif key == metric.id:
            measured.setdefault(metric.family, []).append(key)
    ordered = sorted(own, key=lambda name: (name != OWN, name))
    return [Shelf(name, tuple(sorted(own[name]))) for name in ordered] + [
        Shelf(family.value, tuple(measured[family])) for family in Family if family in measured
    ]


def choose(found: list[Shelf], wanted: str) -> tuple[Shelf, int] | None:
    """Find the shelf and page that an address names as "name" or "name:page"; the first one when it names none."""
    name, _, page = wanted.rpartition(":") if wanted.rpartition(":")[2].isdecimal() else (wanted, "", "1")
    if not found:
        return None
    return next((shelf for shelf in found if shelf.name == name), found[0]), int(page)
