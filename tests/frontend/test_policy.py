"""What the page may load and run."""

import asyncio
import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from ergoscope_ui.app import mount
from ergoscope_ui.policy import Policy, policy


def test_no_script_of_the_page_may_run_but_the_one_that_is_named() -> None:
    said = dict(part.split(" ", 1) for part in policy(["'sha256-x'"]).split("; "))

    assert said["script-src"] == "'self' 'sha256-x'"
    assert said["default-src"] == "'self'"
    assert (said["object-src"], said["base-uri"], said["form-action"]) == ("'none'", "'none'", "'self'")


def test_the_one_script_in_the_page_is_the_one_that_is_named() -> None:
    app = FastAPI()
    mount(app, server_url="http://127.0.0.1:1")
    with TestClient(app) as client:
        answer = client.get("/")

    inline = [
        (attributes, text)
        for attributes, text in re.findall(r"<script([^>]*)>(.*?)</script>", answer.text, re.DOTALL)
        if text and "application/json" not in attributes
    ]
    assert [text for _, text in inline] == ["var renderer = new DashRenderer();"]
    assert len(re.findall("sha256-", answer.headers["content-security-policy"])) >= 1


@pytest.mark.parametrize(("kind", "has"), [("text/html; charset=utf-8", True), ("text/css", False)])
def test_only_pages_have_it_and_what_was_said_before_stays(kind: str, has: bool) -> None:
    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind.encode())]})

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nothing is read")

    asyncio.run(Policy(inner, policy="p")({"type": "http"}, receive, send))

    assert ((b"content-security-policy", b"p") in sent[0]["headers"]) == has
