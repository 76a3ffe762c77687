"""The rows of tokens: made, found, listed, taken back; each function is one statement."""

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, bindparam, exists, insert, or_, select, update

from ergoscope_server.store.people_tables import account
from ergoscope_server.store.people_tables import token as table

_ONE = select(table).where(table.c.id == bindparam("of"))
_ALL = select(table).order_by(table.c.created, table.c.id)
_ANY = select(
    or_(
        exists(
            select(table.c.id).where(
                table.c.revoked == 0, or_(table.c.expires == 0, table.c.expires > bindparam("now"))
            )
        ),
        exists(select(account.c.name).where(account.c.disabled == 0)),
    )
)
_USED = update(table).where(table.c.id == bindparam("of"), table.c.used < bindparam("before"))
_REVOKE = update(table).where(table.c.id == bindparam("of"), table.c.revoked == 0)


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One token; times are Unix seconds, and 0 is never.

    digest: of its secret. scopes: with spaces. project: the only one it is for; None is all.
    expires: is good until then.
    """

    id: str
    digest: bytes
    name: str
    scopes: str
    project: str | None
    created: float
    used: float = 0.0
    revoked: float = 0.0
    expires: float = 0.0

    def expired(self, now: float) -> bool:
        """Say whether its time is over."""
        return 0.0 < self.expires <= now


def add_token(connection: Connection, row: TokenRow) -> None:
    """Keep a new token."""
    connection.execute(insert(table), asdict(row))


def read_token(connection: Connection, token_id: str) -> TokenRow | None:
    """Give a token, also one that was revoked."""
    row = connection.execute(_ONE, {"of": token_id}).first()
    return None if row is None else TokenRow(**row._asdict())


def list_tokens(connection: Connection) -> list[TokenRow]:
    """Give every token, the oldest first."""
    return [TokenRow(**row._asdict()) for row in connection.execute(_ALL)]


def touch_token(connection: Connection, token_id: str, *, now: float, every_s: float) -> None:
    """Note that a token is used, unless that was noted less than `every_s` ago."""
    connection.execute(_USED.values(used=now), {"of": token_id, "before": now - every_s})


def revoke_token(connection: Connection, token_id: str, *, now: float) -> bool:
    """Take a token back; False where it was taken back already or never was."""
    return connection.execute(_REVOKE.values(revoked=now), {"of": token_id}).rowcount > 0


def anybody(connection: Connection, *, now: float) -> bool:
    """Say whether there is a token or a person that may come in."""
    return bool(connection.execute(_ANY, {"now": now}).scalar_one())
