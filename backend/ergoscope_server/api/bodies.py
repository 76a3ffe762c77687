"""What requests that ask for something small bring in their body."""

import msgspec
from fastapi import Request


async def read_body(request: Request, *, most: int) -> bytes:
    """Read a body of at most `most` bytes.

    Raises:
        msgspec.ValidationError: it has more.
    """
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > most:
            raise msgspec.ValidationError(f"the body has more than {most} bytes; a request has a few dozen")
    return body
