"""What the user is told of quantities: a sentence, and beside it what of that a program reads."""

from collections import Counter

_OFTEN = 8  # times that a remark which comes and goes is told


class Remark(str):
    """A text with the data of the event that carries it.

    Where a plain text only tells something, this one says how quantities are obtained, `how="exact, on ..."`, or that
    they are not measured, `absent=True`, for the reason that is in the text; `quantities=[...]` names those that are
    meant where they are not all of what the teller measures.

    Example:
        >>> said = Remark("margins are absent: no scores were found", absent=True)
        >>> said, said.data
        ('margins are absent: no scores were found', {'absent': True})
    """

    data: dict[str, object]

    def __new__(cls, text: str, **data: object) -> "Remark":
        """Put data beside a text."""
        made = super().__new__(cls, text)
        made.data = data
        return made


class Remarks:
    """What the user is yet to be told, each thing once.

    A plain text is told once ever. A `Remark` is told where it is another than the last one on the same quantities, so
    that the newest one is true; after eight times, as it may come and go at every step, no more.

    Example:
        >>> remarks = Remarks()
        >>> for how in ("exact", "exact", "by differences", "exact"):
        ...     remarks.tell(Remark(f"curvature is {how}", how=how))
        ...     remarks.tell("it is taken on rank 0")
        >>> remarks.take()
        ['curvature is exact', 'it is taken on rank 0', 'curvature is by differences', 'curvature is exact']
        >>> remarks.take()
        []
    """

    def __init__(self) -> None:
        """Begin with nothing told."""
        self._known: dict[object, str] = {}  # by what it is about: the last text
        self._times = Counter[str]()
        self._new: list[str] = []

    def tell(self, text: str) -> None:
        """Keep a text, unless it is known already."""
        about: object = text
        if isinstance(text, Remark):
            about = (str(text.data.get("quantities")),)
        if self._known.get(about) != text and self._times[text] < _OFTEN:
            self._known[about] = text
            self._times[text] += 1
            self._new.append(text)

    def take(self) -> list[str]:
        """What is new since the last call."""
        new, self._new = self._new, []
        return new


def data_of(text: str) -> dict[str, object]:
    """What is beside a text; nothing beside a plain one."""
    return text.data if isinstance(text, Remark) else {}
