"""The rows of people and of what they may do in projects; each function is one statement."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from ergoscope_server.store.people_tables import account, member
from ergoscope_server.store.writing import Writer

_save_role = Writer(member, update=True)
_ONE = select(account).where(account.c.name == bindparam("of"))
_ALL = select(account).order_by(account.c.name)
_ROLES = select(member.c.account, member.c.project, member.c.role).order_by(member.c.project)
_CHANGE = update(account).where(account.c.name == bindparam("of"))
_LOCK = 7119  # of those who log in for the first time, one gets a name at a time
_NO_ROLE = delete(member).where(member.c.account == bindparam("of"), member.c.project == bindparam("in_project"))


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One person; times are Unix seconds.

    password: as argon2 writes it. disabled: 0 while they may come in. roles: by project.
    """

    name: str
    password: str
    admin: bool
    created: float
    disabled: float = 0.0
    roles: Mapping[str, str] = field(default_factory=dict)


def add_account(connection: Connection, row: AccountRow) -> None:
    """Keep a new person."""
    connection.execute(
        insert(account).values(
            name=row.name, password=row.password, admin=int(row.admin), created=row.created, disabled=row.disabled
        )
    )


def take_turns(connection: Connection) -> None:
    """Let nobody else make accounts of whom providers know, until the transaction ends."""
    if connection.dialect.name != "sqlite":  # whose writers take turns anyway
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


def free_name(connection: Connection, name: str) -> str:
    """Give a name that nobody has: this one, or it with the least number from 2 behind it."""
    tried, number = name, 1
    while connection.execute(_ONE, {"of": tried}).first() is not None:
        number += 1
        tried = f"{name}-{number}"
    return tried


def read_account(connection: Connection, name: str) -> AccountRow | None:
    """Give a person, also one that is disabled."""
    row = connection.execute(_ONE, {"of": name}).first()
    if row is None:
        return None
    roles = connection.execute(_ROLES.where(member.c.account == name)).all()
    return _person(row, {one.project: one.role for one in roles})


def list_accounts(connection: Connection) -> list[AccountRow]:
    """Give everybody, by name."""
    roles: dict[str, dict[str, str]] = defaultdict(dict)
    for one in connection.execute(_ROLES):
        roles[one.account][one.project] = one.role
    rows = connection.execute(_ALL).all()
    return [_person(row, roles[row.name]) for row in rows]


def change_account(connection: Connection, name: str, **values: object) -> bool:
    """Write columns of a person; False where there is nobody of that name."""
    return connection.execute(_CHANGE.values(**values), {"of": name}).rowcount > 0


def set_role(connection: Connection, name: str, project: str, role: str) -> None:
    """Say what a person may do in a project; an empty role takes it away."""
    if role:
        _save_role(connection, [(name, project, role)])
    else:
        connection.execute(_NO_ROLE, {"of": name, "in_project": project})


def _person(row: Row[tuple[object, ...]], roles: Mapping[str, str]) -> AccountRow:
    return AccountRow(row.name, row.password, bool(row.admin), row.created, row.disabled, roles)
