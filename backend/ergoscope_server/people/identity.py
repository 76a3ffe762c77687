"""Whom a provider has let in, and what may go wrong until it has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

LONGEST_SUBJECT = 255  # as OpenID Connect has it
LONGEST_LABEL = 200

Said = Literal["away", "lapsed", "declined", "unproven"]


class ProviderError(RuntimeError):
    """A provider did not let anybody in; the text says why, to whoever runs the service.

    said: What the browser is told. away: the provider does not answer as it should; lapsed: the login is not one that
        this browser began of late; declined: the provider did not want to; unproven: what it sent is not good.
    """

    def __init__(self, said: Said, text: str) -> None:
        super().__init__(text)
        self.said = said


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a provider has let in.

    issuer, subject: the provider, and whom it knows them as; nobody else will ever be both.
    label: what they are called, for people; others may be called so too, today or tomorrow.
    """

    issuer: str
    subject: str
    label: str


def identify(issuer: str, claims: Mapping[str, object]) -> Identity:
    """Read who somebody is from what a provider says of them, which must have been verified.

    Example:
        >>> identify("https://a.example", {"sub": "7", "email": "ada@a.example", "preferred_username": "ada"}).label
        'ada'

    Raises:
        ProviderError: there is no subject that could be kept.
    """
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject.isprintable() or not 0 < len(subject) <= LONGEST_SUBJECT:
        raise ProviderError(
            "unproven", f"the subject is {str(subject)[:80]!r}; it must have from 1 to 255 printable characters"
        )
    return Identity(issuer, subject, _label(claims) or subject[:LONGEST_LABEL])


def _label(claims: Mapping[str, object]) -> str:
    """Give the best of what somebody is called; an address only if the provider has seen that it is theirs.

    Without spaces: what tokens, links and the machine's own users are called in the log of changes has some.
    """
    names = [name for name in ("preferred_username", "name") if claims.get(name)]
    if claims.get("email_verified") is True:
        names.insert(0, "email")
    for name in names:
        text = ".".join(str(claims.get(name) or "").split())[:LONGEST_LABEL]
        if text and text.isprintable():
            return text
    return ""
