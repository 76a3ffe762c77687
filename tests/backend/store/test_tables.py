"""Every large table can be spread over nodes by its run: what names a row begins with the run."""

from sqlalchemy import Text, create_engine, inspect

from ergoscope_server.store import people_tables
from ergoscope_server.store.store import Store
from ergoscope_server.store.tables import metadata

# Small: a row for each role, project, token, person.
OF_NO_RUN = {"duty", "retention", *(table.name for table in people_tables.TABLES)}
LARGE = {"feed", "arrival", "stream", "chunk", "fragment", "pyramid", "shape", "event", "alert", "slice"}


def test_primary_keys_begin_with_the_run_and_whatever_is_unique_holds_it(url: str) -> None:
    Store(url).close()
    engine = create_engine(url)  # a plain one, since the inspector does not read results in binary
    with engine.connect() as connection:
        seen = inspect(connection)
        names = set(seen.get_table_names()) - {"alembic_version"} - OF_NO_RUN
        begins = {name: seen.get_pk_constraint(name)["constrained_columns"][0] for name in names}
        unique = {name: [one["column_names"] for one in seen.get_unique_constraints(name)] for name in names}
        loose = {name: [one["column_names"] for one in seen.get_indexes(name) if one["unique"]] for name in names}
    engine.dispose()

    assert names == set(metadata.tables) - OF_NO_RUN
    assert names >= LARGE
    assert {name: key for name, key in begins.items() if key != "run"} == {"run": "id"}
    assert all("run" in columns for found in (*unique.values(), *loose.values()) for columns in found)


def test_the_run_is_of_one_type_everywhere_and_no_key_leads_to_another_table() -> None:
    runs = [
        table.c.id if table.name == "run" else table.c.run
        for table in metadata.tables.values()
        if table.name not in OF_NO_RUN
    ]

    assert {type(column.type) for column in runs} == {Text}
    assert not any(table.foreign_keys for table in metadata.tables.values())
