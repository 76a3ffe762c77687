"""A small provider of OpenID Connect with a key of its own, on a free port; it can be made to lie."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey

CLIENT, SECRET = "ergoscope", "a secret of the client"
SUBJECT = "248289761001"


class OpenId:
    """What the provider says; each part may be changed while it runs.

    claims: instead of what would be right, or beside it; None leaves one out.
    said: of itself. refuses: what it answers to whoever wants to log in, instead of a code.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.key = new_key("first")
        self.signed_by: ECKey | None = None
        self.claims: dict[str, object] = {"sub": SUBJECT, "preferred_username": "ada"}
        self.said: dict[str, object] = {}
        self.refuses = ""
        self.down = False
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []

    @property
    def discovery(self) -> dict[str, object]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            **self.said,
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """Let whoever asks in at once, and give where to send the browser back to."""
        assert asked["client_id"] == CLIENT
        assert asked["response_type"] == "code"
        assert "openid" in asked["scope"].split()
        assert asked["code_challenge_method"] == "S256"
        answer = {"state": asked["state"]}
        if self.refuses:
            answer["error"] = self.refuses
        else:
            answer["code"] = secrets.token_urlsafe(8)
            self.codes[answer["code"]] = asked
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def redeem(self, form: dict[str, str], authorization: str) -> dict[str, object]:
        """Take a code for a token, once, of who began with it."""
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        by_form = (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)
        if authorization != f"Basic {basic}" and not by_form:
            return {"error": "invalid_client"}
        asked = self.codes.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
        if (
            asked is None
            or asked["redirect_uri"] != form["redirect_uri"]
            or challenge.decode().rstrip("=") != asked["code_challenge"]
        ):
            return {"error": "invalid_grant"}
        return {"access_token": "a", "token_type": "Bearer", "id_token": self.sign(asked["nonce"])}

    def sign(self, nonce: str) -> str:
        """Say who it is."""
        now = int(time.time())
        right = {"iss": self.url, "aud": CLIENT, "nonce": nonce, "iat": now, "exp": now + 300}
        claims = {name: value for name, value in {**right, **self.claims}.items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, claims, self.signed_by or self.key)


def new_key(kid: str) -> ECKey:
    """Draw a key."""
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig"})


class _Answers(BaseHTTPRequestHandler):
    openid: OpenId

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.openid.asked.append(parts.path)
        if self.openid.down:
            self._answer(502, b"<h1>Bad gateway</h1>")
        elif parts.path == "/authorize":
            self.send_response(302)
            self.send_header("Location", self.openid.authorize(_fields(parts.query)))
            self.end_headers()
        elif parts.path == "/keys":
            self._json({"keys": [{"kty": "of tomorrow"}, self.openid.key.as_dict(private=False)]})
        else:
            self._json(self.openid.discovery)

    def do_POST(self) -> None:
        self.openid.asked.append(self.path)
        form = _fields(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self._json(self.openid.redeem(form, self.headers.get("Authorization", "")))

    def _json(self, content: dict[str, object]) -> None:
        self._answer(400 if "error" in content else 200, json.dumps(content).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
        pass


def _fields(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text).items()}


@contextmanager
def providing() -> Iterator[OpenId]:
    """Run a provider."""
    handler = type("Answers", (_Answers,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        handler.openid = OpenId(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield handler.openid
        finally:
            server.shutdown()
            thread.join(20)
