"""How the database stands, for those who look after the service; nothing of it is brought up to date here."""

from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from ergoscope_server.store.answering import answering
from ergoscope_server.store.database import Database
from ergoscope_server.store.migrate import newest, revision_of
from ergoscope_server.store.tables import duty
from ergoscope_server.store.tidy import Backlog, read_backlog

_SEEN = select(duty.c.role, duty.c.seen)
_PRAGMAS = ("journal_mode", "auto_vacuum", "page_size", "page_count", "freelist_count")
_VACUUMS = {0: "none", 1: "full", 2: "incremental"}


@dataclass(frozen=True, slots=True)
class Standing:
    """What the database says of itself.

    revision, wanted: of the schema, as it is and as this version of the code wants it.
    seen: when each role was last said to be filled, Unix seconds.
    details: what else is worth knowing of a database of its kind, by name.
    """

    kind: str
    version: str
    revision: str
    wanted: str
    seen: dict[str, float] = field(default_factory=dict)
    backlog: Backlog = field(default_factory=Backlog)
    details: dict[str, str] = field(default_factory=dict)

    @property
    def current(self) -> bool:
        """Whether the schema is as the code wants it."""
        return self.revision == self.wanted


def read_standing(database: Database) -> Standing:
    """Ask how it stands.

    Raises:
        UnavailableError: the database cannot answer now.
    """
    with answering("answer"):
        revision = revision_of(database)
        with database.read() as connection:
            kind, version, details = (_sqlite if database.sqlite else _postgres)(connection)
            if revision != newest():  # its tables may be others
                return Standing(kind, version, revision, newest(), details=details)
            seen = {row.role: row.seen for row in connection.execute(_SEEN)}
            return Standing(kind, version, revision, newest(), seen, read_backlog(connection), details)


def _sqlite(connection: Connection) -> tuple[str, str, dict[str, str]]:
    version = str(connection.exec_driver_sql("SELECT sqlite_version()").scalar_one())
    said = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in _PRAGMAS}
    size, free = (int(said["page_size"]) * int(said[name]) for name in ("page_count", "freelist_count"))
    details = {
        "journal_mode": str(said["journal_mode"]),
        "auto_vacuum": _VACUUMS.get(int(said["auto_vacuum"]), "unknown"),
        "size": f"{size / 2**20:.0f} MiB, {free / 2**20:.0f} of them free",
    }
    return "SQLite", version, details


def _postgres(connection: Connection) -> tuple[str, str, dict[str, str]]:
    version = str(connection.exec_driver_sql("SHOW server_version").scalar_one())
    size = int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())
    most = str(connection.exec_driver_sql("SHOW max_connections").scalar_one())
    return "PostgreSQL", version, {"size": f"{size / 2**20:.0f} MiB", "max_connections": most}
