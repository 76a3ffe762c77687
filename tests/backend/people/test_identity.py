"""Who somebody is to a provider, and what to call them."""

import pytest

from ergoscope_server.people.identity import ProviderError, identify

ISSUER = "https://login.example.org"


@pytest.mark.parametrize(
    ("claims", "label"),
    [
        ({"email": "ada@example.org", "email_verified": True, "preferred_username": "ada"}, "ada@example.org"),
        ({"email": "ada@example.org", "email_verified": "true", "preferred_username": "ada"}, "ada"),
        ({"email": "ada@example.org", "preferred_username": "ada", "name": "Ada"}, "ada"),
        ({"email": "ada@example.org", "name": "Ada Lovelace"}, "Ada.Lovelace"),
        ({"preferred_username": "a\x00b", "name": " "}, "7"),
        ({"preferred_username": "token 00aa11bb22cc"}, "token.00aa11bb22cc"),
        ({"preferred_username": "x" * 300}, "x" * 200),
        ({"email_verified": True}, "7"),
    ],
)
def test_an_address_is_a_name_only_when_the_provider_has_seen_that_it_is_theirs(
    claims: dict[str, object], label: str
) -> None:
    found = identify(ISSUER, {"sub": "7", **claims})

    assert (found.issuer, found.subject, found.label) == (ISSUER, "7", label)


@pytest.mark.parametrize("subject", ["", "a\x00b", "x" * 256, 7, None])
def test_a_subject_that_cannot_be_kept_is_nobody(subject: object) -> None:
    with pytest.raises(ProviderError, match=r"the subject is .*; it must have from 1 to 255 printable characters") as e:
        identify(ISSUER, {"sub": subject})

    assert e.value.said == "unproven"
