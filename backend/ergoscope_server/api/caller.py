"""Who asks, as the endpoints see it; found out before by `Access`.

What hands them over is `async`, as anything else is called in a thread of its own, for every request.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request

from ergoscope_server.people.rights import Caller, Right
from ergoscope_server.store.people import People

READS = frozenset({Right.READ})  # that a list of runs keeps to
Still = Callable[[], Awaitable[bool]]


async def caller_of(request: Request) -> Caller:
    """Give who asks."""
    caller = request.state.caller
    assert isinstance(caller, Caller)
    return caller


async def still_of(request: Request) -> Still:
    """Give what says whether the caller may go on with what it began, such as a stream."""
    still: Still = request.state.still
    return still


async def people_of(request: Request) -> People:
    """Give who may come in."""
    people = request.app.state.people
    assert isinstance(people, People)
    return people


CallerOf = Annotated[Caller, Depends(caller_of)]
StillOf = Annotated[Still, Depends(still_of)]
PeopleOf = Annotated[People, Depends(people_of)]
