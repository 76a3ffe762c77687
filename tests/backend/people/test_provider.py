"""What a provider says of itself and by which key, where it is not as it should be."""

import asyncio
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from ergoscope_server.people.identity import ProviderError
from ergoscope_server.people.provider import KNOWN_S, OpenIdProvider
from tests.backend.openid import CLIENT, SECRET, SUBJECT, OpenId, providing

BACK = "https://ergo.example.org/login/provider/back"


@pytest.fixture
def openid() -> Iterator[OpenId]:
    with providing() as provider:
        yield provider


def _provider(openid: OpenId) -> OpenIdProvider:
    return OpenIdProvider(openid.url, CLIENT, SECRET)


def _refused(provider: OpenIdProvider) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        asyncio.run(provider.begin("/", back=BACK))
    return caught.value


async def _log_in(openid: OpenId, provider: OpenIdProvider) -> str:
    """Go all the way, and give the subject."""
    url, kept = await provider.begin("/", back=BACK)
    answer = dict(parse_qsl(urlsplit(openid.authorize(dict(parse_qsl(urlsplit(url).query)))).query))
    identity = await provider.finish(provider.recognise(kept, answer), answer["code"], back=BACK)
    return identity.subject


def test_a_browser_that_comes_back_otherwise_than_it_left_is_told_why(openid: OpenId) -> None:
    provider = _provider(openid)
    url, kept = asyncio.run(provider.begin("/compare", back=BACK))
    state = dict(parse_qsl(urlsplit(url).query))["state"]

    for cookie, answer, said, why in (
        ("", {"state": state}, "lapsed", "the browser keeps no login that it began of late"),
        (kept, {"state": "another"}, "lapsed", "the state is another one than the browser's login has"),
        (kept, {"state": state, "error": "a\nb"}, "declined", r"the provider says 'a\nb'"),
    ):
        with pytest.raises(ProviderError, match=f"^{re.escape(why)}$") as caught:
            provider.recognise(cookie, answer)
        assert caught.value.said == said
    begun = provider.recognise(kept, {"state": state})
    with pytest.raises(ProviderError, match=r"^the provider sent no code$"):
        asyncio.run(provider.finish(begun, "", back=BACK))
    assert begun.wanted == "/compare"


def test_one_that_is_called_otherwise_is_refused_with_both_names(openid: OpenId) -> None:
    openid.said["issuer"] = "https://another.example"

    error = _refused(_provider(openid))

    assert error.said == "away"
    assert str(error) == ("the provider calls itself 'https://another.example'; ERGOSCOPE_OIDC_ISSUER must be the same")


def test_what_is_no_description_is_refused_with_what_is_missing(openid: OpenId) -> None:
    openid.said["jwks_uri"] = None

    error = _refused(_provider(openid))

    assert error.said == "away"
    assert str(error).startswith(f"{openid.url}/.well-known/openid-configuration does not hold what it should: ")


def test_a_provider_reached_by_https_names_nothing_that_is_not(openid: OpenId) -> None:
    provider = OpenIdProvider("https://login.example.org", CLIENT, SECRET)
    openid.said["issuer"] = provider.issuer

    async def fetch(url: str, kind: type) -> object:
        return kind(**{name: openid.discovery[name] for name in kind.__struct_fields__ if name in openid.discovery})

    provider._fetch = fetch  # type: ignore[method-assign,assignment]  # no test has a certificate

    assert str(_refused(provider)) == f"the provider names '{openid.url}/authorize', which is not reached by https"


def test_one_that_is_nowhere_is_told_as_such() -> None:
    error = _refused(OpenIdProvider("http://127.0.0.1:9", CLIENT, SECRET))

    assert error.said == "away"
    assert str(error).startswith("http://127.0.0.1:9 does not answer: ConnectError: ")


def test_a_secret_is_sent_in_the_form_where_the_provider_wants_it_so(openid: OpenId) -> None:
    openid.said["token_endpoint_auth_methods_supported"] = ["client_secret_post", "private_key_jwt"]

    assert asyncio.run(_log_in(openid, _provider(openid))) == SUBJECT


def test_what_it_says_of_itself_is_asked_for_once_an_hour(openid: OpenId) -> None:
    now = [1_790_000_000.0]
    provider = OpenIdProvider(openid.url, CLIENT, SECRET, clock=lambda: now[0])

    asked = []
    for now[0] in (1_790_000_000.0, 1_790_000_000.0 + KNOWN_S, 1_790_000_001.0 + KNOWN_S):
        asyncio.run(provider.begin("/", back=BACK))
        asked.append(openid.asked.count("/.well-known/openid-configuration"))

    assert asked == [1, 1, 2]


def test_a_token_signed_by_what_both_know_is_refused(openid: OpenId, monkeypatch: pytest.MonkeyPatch) -> None:
    claims = {"iss": openid.url, "aud": CLIENT, "sub": SUBJECT, "exp": 2**33, "iat": 1}
    known = OctKey.import_key(SECRET)
    monkeypatch.setattr(openid, "sign", lambda nonce: jwt.encode({"alg": "HS256"}, {**claims, "nonce": nonce}, known))

    with pytest.raises(ProviderError, match="the id_token is not good: "):
        asyncio.run(_log_in(openid, _provider(openid)))


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (None, "the provider sent no id_token"),
        (7, "the provider sent no id_token"),
        ("", "the id_token is not good: DecodeError"),
        ("a.b.c", "the id_token is not good: DecodeError"),
    ],
)
def test_what_is_no_token_is_refused(openid: OpenId, monkeypatch: pytest.MonkeyPatch, sent: object, why: str) -> None:
    monkeypatch.setattr(openid, "sign", lambda nonce: sent)

    with pytest.raises(ProviderError, match=f"^{why}") as caught:
        asyncio.run(_log_in(openid, _provider(openid)))
    assert caught.value.said == "unproven"
