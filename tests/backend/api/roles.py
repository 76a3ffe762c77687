"""Callers of each kind, and a service that asks who they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from ergoscope_contract.codec import encode
from ergoscope_contract.records import Run
from ergoscope_server.people.tokens import draw
from ergoscope_server.settings import Settings
from ergoscope_server.store.people import People
from tests.backend.api.conftest import Running, serving
from tests.backend.store.batches import batch, line

OURS, THEIRS = "ours", "theirs"
SCOPES = {  # role: scopes and project of its token
    "read": (["read"], None),
    "write": (["write"], None),
    "admin": (["admin"], None),
    "read here": (["read"], OURS),
    "write here": (["write"], OURS),
    "admin here": (["admin"], OURS),
    "read elsewhere": (["read"], THEIRS),
    "write elsewhere": (["write"], THEIRS),
    "admin elsewhere": (["admin"], THEIRS),
    "revoked": (["admin"], None),
}
ROLES = ("nobody", "stranger", *SCOPES)


def make_token(people: People, scopes: list[str], project: str | None = None) -> str:
    """Keep a new token, and give it."""
    secret = draw()
    people.add_token(secret.id, secret.digest, name="", scopes=" ".join(scopes), project=project)
    return secret.token


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


class Guarded:
    """A service that asks who calls, with a run `r` of the project `ours`, and the headers of each role."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.people = People(running.service.store.database)
        self.headers: dict[str, dict[str, str]] = {"nobody": {}, "stranger": bearer(draw().token)}
        for role, (scopes, project) in SCOPES.items():
            self.headers[role] = bearer(make_token(self.people, scopes, project))
        self.people.revoke_token(self.headers["revoked"]["Authorization"].split("_")[1])
        self.send(0, "admin")

    def send(self, seq: int, role: str, *, run: str = "r", project: str | None = OURS) -> httpx.Response:
        """Send a batch as a role."""
        about = None if project is None else Run(run, project, "n", 1_790_000_000.0)
        body = encode(batch(seq, {"x": line(seq, 1)}, run=run, about=about))
        return self.running.client.post("/api/v1/batches", content=body, headers=self.headers[role])

    def ask(self, role: str, path: str, method: str = "GET", **more: str) -> httpx.Response:
        """Ask something as a role; `more` are further headers."""
        return self.running.client.request(method, path, headers=self.headers[role] | more)


@contextmanager
def guarding(folder: Path) -> Iterator[Guarded]:
    """Run such a service."""
    with serving(Settings(data_dir=folder, access="closed", page=False)) as running:
        yield Guarded(running)
