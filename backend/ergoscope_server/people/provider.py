"""A provider of OpenID Connect, at which people log in: the authorization code flow with PKCE.

Nothing that a browser brings is believed but a code, which the provider takes back for a token that it signed. The
token must be by its key, for this service, of this login, and in time.
"""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from hmac import compare_digest
from typing import Any, TypeVar

import httpx2
import msgspec
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import JWKRegistry, KeySet

from ergoscope_server.people.begun import Begun, Seal, begin
from ergoscope_server.people.identity import Identity, ProviderError, identify

Told = TypeVar("Told", bound=msgspec.Struct)

SCOPE = "openid profile email"
# Only what needs a key that the provider alone has.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
WITHIN_S = 10.0  # that an answer may take
APART_S = 60.0  # that clocks may be
KNOWN_S = 3600.0  # after which the provider is asked again where its parts are
LONGEST = 200  # characters of what others wrote, in a line of the log


class Discovery(msgspec.Struct, frozen=True):
    """What a provider says of itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class _Keys(msgspec.Struct, frozen=True):
    keys: tuple[dict[str, Any], ...]


class OpenIdProvider:
    """One provider, and what this service is to it. Nothing is asked of it before somebody logs in."""

    def __init__(
        self, issuer: str, client_id: str, client_secret: str, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.issuer = issuer
        self._client_id, self._client_secret = client_id, client_secret
        self._clock = clock
        self._seal = Seal(client_secret)
        self._trusted = httpx2.create_ssl_context()  # once, as reading certificates takes a while
        self._discovery: Discovery | None = None
        self._discovered = 0.0
        self._keys: KeySet | None = None

    async def begin(self, wanted: str, *, back: str) -> tuple[str, str]:
        """Begin a login.

        Args:
            wanted: Where the browser is to go afterwards.
            back: Where the provider is to send it, as it knows this service.

        Returns:
            Where to send the browser now, and what it is to keep until it comes back.

        Raises:
            ProviderError: the provider does not say where.
        """
        discovery, begun = await self._discover(), begin(wanted)
        async with self._client(discovery, back) as client:
            url, _ = client.create_authorization_url(
                discovery.authorization_endpoint, state=begun.state, nonce=begun.nonce, code_verifier=begun.verifier
            )
        return str(url), self._seal.close(begun, now=self._clock())

    def recognise(self, kept: str, answer: Mapping[str, str]) -> Begun:
        """Find out which login it is that a browser comes back from.

        Args:
            kept: What the browser kept.
            answer: What the provider gave it along.

        Raises:
            ProviderError: it is none that this browser began of late, or the provider did not want to.
        """
        begun = self._seal.open(kept, now=self._clock())
        if begun is None:
            raise ProviderError("lapsed", "the browser keeps no login that it began of late")
        if not compare_digest(begun.state.encode(), answer.get("state", "").encode(errors="replace")):
            raise ProviderError("lapsed", "the state is another one than the browser's login has")
        if "error" in answer:
            raise ProviderError("declined", f"the provider says {answer['error'][:LONGEST]!r}")
        return begun

    async def finish(self, begun: Begun, code: str, *, back: str) -> Identity:
        """Ask the provider who it is.

        Args:
            begun: The login, as it was recognised.
            code: What the provider gave the browser along.
            back: As it was when the login began.

        Raises:
            ProviderError: nobody was let in.
        """
        if not code:
            raise ProviderError("unproven", "the provider sent no code")
        token = await self._redeem(code, begun, back)
        return identify(self.issuer, await self._verify(token, begun.nonce))

    async def _redeem(self, code: str, begun: Begun, back: str) -> Mapping[str, object]:
        """Take the code to the provider."""
        discovery = await self._discover()
        async with self._client(discovery, back) as client:
            try:
                token = await client.fetch_token(
                    discovery.token_endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=begun.verifier,
                )
            except (AuthlibBaseError, ValueError) as error:
                raise ProviderError("unproven", f"the provider does not take its code: {_short(error)}") from error
        return dict(token)

    async def _verify(self, token: Mapping[str, object], nonce: str) -> dict[str, object]:
        """Give what the provider signed, if it did, and if it is good."""
        signed = token.get("id_token")
        if not isinstance(signed, str):
            raise ProviderError("unproven", "the provider sent no id_token")
        try:
            read = await self._read(signed)
            options = {
                "iss": {"essential": True, "value": self.issuer},
                "aud": {"essential": True, "value": self._client_id},
            }
            told = {"nonce": nonce, "client_id": self._client_id, "access_token": token.get("access_token")}
            claims = CodeIDToken(read.claims, read.header, options, told)
            claims.validate(now=int(self._clock()), leeway=APART_S)
        except (JoseError, ValueError, TypeError) as error:
            raise ProviderError("unproven", f"the id_token is not good: {_short(error)}") from error
        return dict(claims)

    async def _read(self, signed: str) -> jwt.Token:
        """Check the signature; keys are asked for again where one is named that is not known, as they change."""
        known = self._keys
        try:
            return jwt.decode(signed, known or await self._ask_keys(), algorithms=ALGORITHMS)
        except InvalidKeyIdError:
            if known is None:
                raise
            return jwt.decode(signed, await self._ask_keys(), algorithms=ALGORITHMS)

    async def _ask_keys(self) -> KeySet:
        discovery = await self._discover()
        told = await self._fetch(discovery.jwks_uri, _Keys)
        keys = []
        for one in told.keys:
            with suppress(JoseError, ValueError, TypeError, KeyError):  # of a kind that is not known here
                keys.append(JWKRegistry.import_key(one))
        self._keys = KeySet(keys)
        return self._keys

    async def _discover(self) -> Discovery:
        if self._discovery is None or self._clock() - self._discovered > KNOWN_S:
            found = await self._fetch(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration", Discovery)
            self._check(found)
            self._discovery, self._discovered, self._keys = found, self._clock(), None
        return self._discovery

    def _check(self, found: Discovery) -> None:
        if found.issuer != self.issuer:
            raise ProviderError(
                "away", f"the provider calls itself {found.issuer[:LONGEST]!r}; ERGOSCOPE_OIDC_ISSUER must be the same"
            )
        secure = self.issuer.startswith("https://")
        for url in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
            if secure and not url.startswith("https://"):
                raise ProviderError("away", f"the provider names {url[:LONGEST]!r}, which is not reached by https")

    async def _fetch(self, url: str, kind: type[Told]) -> Told:
        async with self._client(None, "") as client:
            answer = await client.request("GET", url, withhold_token=True)
            answer.raise_for_status()
            try:
                return msgspec.json.decode(answer.content, type=kind)
            except msgspec.DecodeError as error:
                raise ProviderError("away", f"{url} does not hold what it should: {_short(error)}") from error

    @asynccontextmanager
    async def _client(self, discovery: Discovery | None, back: str) -> AsyncIterator[AsyncOAuth2Client]:
        methods = discovery.token_endpoint_auth_methods_supported if discovery else ()
        by_form = "client_secret_post" in methods and "client_secret_basic" not in methods
        try:
            async with AsyncOAuth2Client(
                self._client_id,
                self._client_secret,
                scope=SCOPE,
                redirect_uri=back or None,
                code_challenge_method="S256",
                token_endpoint_auth_method="client_secret_post" if by_form else "client_secret_basic",
                timeout=WITHIN_S,
                verify=self._trusted,
            ) as client:
                yield client
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ProviderError("away", f"{self.issuer} does not answer: {_short(error)}") from error


def _short(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:LONGEST]  # one line, whatever the provider sent
