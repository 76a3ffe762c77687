"""A run's series in groups: what its code logged, by the first part of the name; what is measured, by its question."""

from collections.abc import Iterable
from dataclasses import dataclass

from ergoscope_contract.catalogue import Family, entry

AT_ONCE = 24
OWN = "logged"
MEASURED = ", measured"  # where the job logs under the name of a family


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
    families = [family for family in Family if family in measured]
    return [Shelf(name, tuple(sorted(own[name]))) for name in ordered] + [
        Shelf(f"{family.value}{MEASURED * (family.value in own)}", tuple(measured[family])) for family in families
    ]


def choose(found: list[Shelf], wanted: str) -> tuple[Shelf, int] | None:
    """Find the shelf and page that an address names as "name" or "name:page"; the first one when it names none."""
    if not found:
        return None
    by_name = {shelf.name: shelf for shelf in found}
    if wanted in by_name:
        return by_name[wanted], 1
    name, _, page = wanted.rpartition(":")
    number = int(page) if page.isdecimal() and len(page) < 6 else 1
    return by_name.get(name, found[0]), number if name in by_name else 1
