"""Tokens: long, random, and kept as a digest."""

import hashlib

import pytest

from ergoscope_server.people.tokens import draw, read_secret


def test_a_token_that_was_drawn_is_read_back() -> None:
    secret = draw()

    assert read_secret(secret.token) == secret
    assert secret.fits(secret.digest)


def test_what_is_kept_is_a_digest_of_the_secret() -> None:
    secret = draw()

    assert secret.digest == hashlib.sha256(secret.word.encode()).digest()
    assert secret.word.encode() not in secret.digest


def test_no_two_are_alike_and_each_has_256_random_bits() -> None:
    drawn = [draw() for _ in range(100)]

    assert len({secret.id for secret in drawn}) == len({secret.word for secret in drawn}) == 100
    assert {len(secret.word) for secret in drawn} == {43}  # 32 bytes, six bits a letter


def test_another_secret_does_not_fit() -> None:
    assert not draw().fits(draw().digest)


@pytest.mark.parametrize(
    "text",
    ["", "ergo_", "s3cret", "ergo_00aa11bb22cc_s", "ERGO_00aa11bb22cc_" + "x" * 43, "ergo_00aa11bb22cc_" + "x" * 44],
)
def test_what_has_not_the_form_of_one_is_none(text: str) -> None:
    assert read_secret(text) is None
