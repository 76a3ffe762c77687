"""Whom providers know people as, and tokens that expire, in the database."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import inspect, text

from ergoscope_server.store.accounts import AccountRow
from ergoscope_server.store.database import Database
from ergoscope_server.store.identities import IdentityRow
from ergoscope_server.store.migrate import migrate
from ergoscope_server.store.people import People
from ergoscope_server.store.store import Store
from tests.backend.store.clock import START as NOW
from tests.backend.store.clock import Clock

ISSUER = "https://login.example.org"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(store: Store, clock: Clock) -> People:
    return People(store.database, clock=clock)


def test_a_person_whom_a_provider_knows_is_kept_once(people: People) -> None:
    made, new = people.add_person_of(ISSUER, "7", name="ada", role="viewer", project="*")
    again = people.add_person_of(ISSUER, "7", name="somebody", role="member", project="*")

    assert (made, new) == (AccountRow("ada", "", False, NOW, roles={"*": "viewer"}), True)
    assert again == (made, False)
    assert people.person_of(ISSUER, "7") == made
    assert people.identities() == [IdentityRow(ISSUER, "7", "ada", NOW)]


def test_the_same_subject_of_another_provider_is_another_person(people: People) -> None:
    people.add_person_of(ISSUER, "7", name="ada", role="", project="*")

    assert people.person_of("https://another.example", "7") is None
    assert people.person_of(ISSUER, "8") is None


def test_a_name_that_somebody_has_gets_a_number(people: People) -> None:
    people.add_account("ada", "h", admin=True)

    made = [people.add_person_of(ISSUER, str(i), name="ada", role="", project="*")[0] for i in range(2)]

    assert [person.name for person in made] == ["ada-2", "ada-3"]
    assert not any(person.roles or person.admin for person in made)


def test_who_logs_in_twice_at_once_for_the_first_time_is_one_person(people: People) -> None:
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(people.add_person_of, ISSUER, "7", name="ada", role="", project="*") for _ in range(4)]
        made = [one.result() for one in asked]

    assert {person.name for person, _ in made} == {"ada"}
    assert sorted(new for _, new in made) == [False, False, False, True]


def test_an_account_that_is_there_is_joined_to_a_subject_by_hand(people: People) -> None:
    people.add_account("ada", "h", admin=True)
    people.add_person_of(ISSUER, "7", name="ada", role="viewer", project="*")
    people.add_session("s", b"d", "ada-2")

    assert people.link("ada", ISSUER, "7")
    assert people.link("ada", ISSUER, "8")
    assert not people.link("nobody", ISSUER, "9")

    assert people.identities() == [IdentityRow(ISSUER, subject, "ada", NOW) for subject in ("7", "8")]
    assert people.person_of(ISSUER, "7") == people.account("ada")
    assert people.session("s") is None


def test_a_token_that_expired_is_kept_and_lets_nobody_in(people: People, clock: Clock) -> None:
    people.add_token("a", b"d", name="", scopes="read", project=None, lasts_s=60.0)
    row = people.token("a")
    assert row is not None

    seen = [people.anybody()]
    clock.now += 60.0
    seen.append(people.anybody())
    people.add_token("b", b"d", name="", scopes="read", project=None)
    seen.append(people.anybody())

    assert seen == [True, False, True]
    assert row.expires == NOW + 60.0
    assert [row.expired(now) for now in (NOW + 59.0, NOW + 60.0)] == [False, True]
    assert not people.tokens()[1].expired(NOW + 1e9)


def test_tokens_of_before_do_not_expire_and_going_back_keeps_them(url: str) -> None:
    database = Database(url)
    migrate(database, to="0006")
    with database.write() as connection:
        connection.execute(text("INSERT INTO token VALUES ('a', :digest, '', 'read', NULL, 1, 0, 0)"), {"digest": b"d"})
        connection.execute(text("INSERT INTO account VALUES ('ada', 'h', 0, 1, 0)"))

    migrate(database)
    people = People(database)
    expires = [row.expires for row in people.tokens()]
    people.add_person_of(ISSUER, "7", name="bob", role="viewer", project="*")
    migrate(database, to="0006")
    with database.read() as connection:
        tokens = connection.execute(text("SELECT * FROM token")).one()
        names = connection.execute(text("SELECT name FROM account ORDER BY name")).scalars().all()
        tables = inspect(connection).get_table_names()
    migrate(database)
    again = People(database)

    assert expires == [0.0]
    assert len(tokens) == 8 and "identity" not in tables
    assert names == ["ada", "bob"]
    assert again.identities() == []
    database.close()
