"""The page on which people log in."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from ergoscope_ui.app import mount


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = FastAPI()
    mount(app, server_url="http://127.0.0.1:1")
    return TestClient(app)


def test_it_is_a_form_that_posts_name_and_password(client: TestClient) -> None:
    page = client.get("/login").text

    assert '<form class="card" method="post" action="/login">' in page
    assert 'type="password" autocomplete="current-password"' in page
    assert "too many" not in page and "belong together" not in page
    assert 'name="next" value="/"' in page


@pytest.mark.parametrize(("said", "text"), [("wrong", "do not belong together"), ("locked", "a quarter of an hour")])
def test_it_says_why_nobody_was_logged_in(client: TestClient, said: str, text: str) -> None:
    assert text in client.get("/login", params={"said": said}).text


@pytest.mark.parametrize("said", ["away", "lapsed", "declined", "unproven", "out", "waiting"])
def test_it_says_what_became_of_a_login_at_a_provider(client: TestClient, said: str) -> None:
    assert '<p class="said" role="alert">' in client.get("/login", params={"said": said}).text


def test_there_is_a_way_to_a_provider_only_where_the_service_has_one() -> None:
    app = FastAPI()
    mount(app, server_url="http://127.0.0.1:1")
    page = TestClient(app)

    without = page.get("/login").text
    app.state.login_with = "Example & Co"
    with_one = page.get("/login", params={"next": "/compare?runs=a&b"}).text

    assert "Log in with" not in without
    assert 'href="/login/provider?next=%2Fcompare%3Fruns%3Da%26b">Log in with Example &amp; Co</a>' in with_one


def test_what_stands_in_the_address_is_never_part_of_the_page(client: TestClient) -> None:
    evil = '"><script>alert(1)</script>'

    page = client.get("/login", params={"said": evil, "next": evil}).text

    assert "<script>alert" not in page
    assert 'value="&quot;&gt;&lt;script&gt;alert(1)' in page


def test_no_script_stands_in_the_page(client: TestClient) -> None:
    page = client.get("/login").text

    assert page.count("<script") == page.count('<script src="/assets/early.js"></script>') == 1
    assert " on" not in page.partition("<body>")[2].replace('"btn on"', "")
    assert client.get("/assets/early.js").status_code == 200
