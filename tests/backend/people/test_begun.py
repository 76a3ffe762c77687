"""What a browser keeps of a login that it began."""

from joserfc import jwt

from ergoscope_server.people.begun import LASTS_S, Seal, begin

NOW = 1_790_000_000.0


def test_what_is_kept_is_read_back_in_every_process() -> None:
    begun = begin("/compare?runs=a")

    kept = Seal("secret").close(begun, now=NOW)

    assert Seal("secret").open(kept, now=NOW + LASTS_S - 1) == begun


def test_no_two_logins_have_anything_in_common() -> None:
    one, other = begin("/"), begin("/")

    assert len({one.state, one.nonce, one.verifier, other.state, other.nonce, other.verifier}) == 6


def test_it_is_good_for_ten_minutes() -> None:
    seal = Seal("secret")

    assert seal.open(seal.close(begin("/"), now=NOW), now=NOW + LASTS_S + 1) is None


def test_what_another_has_signed_or_changed_or_made_up_is_nothing() -> None:
    seal = Seal("secret")
    kept = seal.close(begin("/"), now=NOW)
    head, body, signature = kept.split(".")
    claims = {"state": "s", "nonce": "n", "verifier": "v", "wanted": "/", "exp": int(NOW) + 60}
    unsigned = f"eyJhbGciOiJub25lIn0.{body}."  # {"alg":"none"}
    other_use = jwt.encode({"alg": "HS256"}, claims, seal._key)

    for text in ("", "nonsense", Seal("other").close(begin("/"), now=NOW), f"{head}.{body[:-2]}AA.{signature}"):
        assert seal.open(text, now=NOW) is None
    assert seal.open(unsigned, now=NOW) is None
    assert seal.open(other_use, now=NOW) is None
