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
