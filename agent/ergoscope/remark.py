"""What the user is told of quantities: a sentence, and beside it what of that a program reads."""


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


def data_of(text: str) -> dict[str, object]:
    """What is beside a text; nothing beside a plain one."""
    return text.data if isinstance(text, Remark) else {}
