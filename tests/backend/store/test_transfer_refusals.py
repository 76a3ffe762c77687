"""What cannot be copied is refused with what to do."""

from pathlib import Path

import pytest
from sqlalchemy import text

from ergoscope_server.store.database import Database
from ergoscope_server.store.migrate import migrate, newest
from ergoscope_server.store.store import Store
from ergoscope_server.store.transfer import TransferError
from tests.backend.store.filling import made
from tests.backend.store.test_transfer import NOW, moving


@pytest.fixture
def local(tmp_path: Path) -> tuple[str, str]:
    return f"sqlite:///{tmp_path / 'source.db'}", f"sqlite:///{tmp_path / 'target.db'}"


def test_one_database_is_not_copied_into_itself(local: tuple[str, str]) -> None:
    made(local[0]).close()

    with pytest.raises(
        TransferError, match=r"source and target are one database, sqlite:///.*source\.db; name another"
    ):
        moving((local[0], local[0]))


def test_a_source_that_is_not_there_is_not_made(local: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(
        TransferError, match=r"there is no database at '.*source\.db'; name the one to copy with --from"
    ):
        moving(local)

    assert not list(tmp_path.iterdir())


def test_a_target_needs_a_folder(local: tuple[str, str], tmp_path: Path) -> None:
    made(local[0]).close()

    with pytest.raises(TransferError, match=r"there is no folder '.*/no'; make it, or name another place"):
        moving((local[0], f"sqlite:///{tmp_path / 'no' / 'target.db'}"))


def test_a_source_without_tables_is_told(local: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "source.db").touch()

    with pytest.raises(TransferError, match=r"the source holds no tables of ergoscope: sqlite:///.*source\.db"):
        moving(local)


@pytest.mark.parametrize("which", [0, 1])
def test_another_schema_is_refused_with_what_to_do(local: tuple[str, str], which: int) -> None:
    for url in local:
        made(url).close()
    old = Database(local[which])
    migrate(old, to="0003")
    name = ("source", "target")[which]

    with pytest.raises(
        TransferError,
        match=f"the schema of the {name} is at revision 0003, and this version of ergoscope copies revision "
        rf"{newest()}; bring it there first: ERGOSCOPE_DATABASE_URL=\.\.\. ergoscope migrate",
    ):
        moving(local)

    with old.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(TransferError, match=r"is at revision 9999, .*: install the version that wrote it"):
        moving(local)
    old.close()


def test_a_target_in_use_is_refused_and_a_source_in_use_is_not(local: tuple[str, str]) -> None:
    source, target = Store(local[0], clock=lambda: NOW - 4), Store(local[1], clock=lambda: NOW - 4)
    source.report("serve")
    moving(local).close()
    target.report("serve")

    with pytest.raises(
        TransferError, match=r"a service works on the target, as it said 4 s ago; stop it and run this again after 15 s"
    ):
        moving(local)

    moving(local, now=NOW + 12).close()
    source.close()
    target.close()
