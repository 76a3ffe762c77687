"""Each process says again and again that it does its part."""

import asyncio

import pytest

from ergoscope_server.attendance import attend
from ergoscope_server.store.duty import Role
from ergoscope_server.store.errors import UnavailableError


class FakeStore:
    """Fails the first times."""

    def __init__(self) -> None:
        self.told: list[Role] = []

    def report(self, role: Role) -> None:
        self.told.append(role)
        if len(self.told) == 1:
            raise UnavailableError("the database cannot write now")
        if len(self.told) == 2:
            raise ValueError("a table that is not there")


def test_it_is_said_again_and_again_whether_it_was_heard_or_not(caplog: pytest.LogCaptureFixture) -> None:
    store = FakeStore()

    async def go() -> None:
        task = asyncio.create_task(attend(store, "serve", every_s=0.001))
        while len(store.told) < 4:
            await asyncio.sleep(0.001)
        task.cancel()

    asyncio.run(asyncio.wait_for(go(), 5))

    assert set(store.told) == {"serve"}
    assert "cannot say who is on duty: the database cannot write now" in caplog.text
    assert "cannot say who is on duty: a table that is not there" in caplog.text
