"""Answers as JSON, with the numbers that JSON cannot say spelled out, and problems in one form."""

import math
import re

import msgspec
import numpy as np
from fastapi.responses import JSONResponse
from numpy.typing import NDArray
from starlette.types import Receive, Scope, Send

from ergoscope_contract.jsonable import spell, spell_all

PROBLEM = "ergoscope.problem"  # in the scope of a request
# How msgpack writes a float that is NaN or infinite. To search for it in ten thousand runs takes a tenth of looking at
# each value; where something else happens to look so, each is looked at.
_UNSAID = re.compile(rb"\xcb[\x7f\xff][\xf0-\xff]")


class JsonAnswer(JSONResponse):
    """A response whose content is encoded by msgspec; floats must be finite or spelled already."""

    def render(self, content: object) -> bytes:
        """Encode."""
        return msgspec.json.encode(content)


class ProblemAnswer(JsonAnswer):
    """An error answer, which leaves its kind under PROBLEM for whoever notes how the request ended."""

    def __init__(self, status: int, kind: str, detail: str, headers: dict[str, str] | None) -> None:
        super().__init__({"error": kind, "detail": detail}, status_code=status, headers=headers)
        self._kind = kind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        scope[PROBLEM] = self._kind
        await super().__call__(scope, receive, send)


def problem(status: int, kind: str, detail: str, *, headers: dict[str, str] | None = None) -> JsonAnswer:
    """Make an error answer: what kind, and what was seen and what is allowed."""
    return ProblemAnswer(status, kind, detail, headers)


def numbers(values: NDArray[np.generic]) -> list[object]:
    """Give an array as a list that JSON can carry."""
    listed: list[object] = values.tolist()
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        return list(spell_all(values.astype(np.float64).tolist()))
    return listed


def spelled(value: object) -> object:
    """Give a record, or a list of records, as plain lists and objects in which no float is NaN or infinite."""
    plain = msgspec.to_builtins(value)
    return _spelled(plain) if _UNSAID.search(msgspec.msgpack.encode(plain)) else plain


def _spelled(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else spell(value)
    if isinstance(value, dict):
        return {key: _spelled(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_spelled(item) for item in value]
    return value
