"""Reading server-sent events."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import httpx


@dataclass(frozen=True)
class Message:
    """One event with the cursor to come back with."""

    event: str
    data: dict[str, object]
    cursor: str


def messages(response: httpx.Response) -> Iterator[Message]:
    """Give the events of a stream as they come."""
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "event" in fields:
            yield Message(fields["event"], json.loads(fields["data"]), fields["id"])
            fields = {}
        else:
            fields = {}
