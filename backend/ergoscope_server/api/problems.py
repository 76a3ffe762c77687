"""Answers to what no endpoint answers: unknown paths, impossible parameters, a database that is away."""

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError

from ergoscope_server.api.answer import JsonAnswer, problem
from ergoscope_server.store.errors import UnavailableError

RETRY_S = 2
INVALID: dict[int | str, dict[str, object]] = {
    422: {
        "description": "Validation Error",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {"error": {"type": "string"}, "detail": {"type": "string"}},
                    "required": ["error", "detail"],
                }
            }
        },
    }
}  # as `invalid` answers, for the description of each route

router = APIRouter(include_in_schema=False)


def install(app: FastAPI) -> None:
    """Answer what none of the application's routes answers; call it after they are there, and before the page's."""
    app.include_router(router)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(UnavailableError, unavailable)


@router.api_route("/api/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def unknown_path(request: Request) -> JsonAnswer:
    """Say so: the page's own catch-all would answer with HTML and 200."""
    there = f"{request.method} {request.url.path[:200]}"
    return problem(404, "Unknown", f"there is no {there}; GET /docs shows what there is")


async def invalid(_: Request, error: Exception) -> JsonAnswer:
    """Say which parameter is wrong, what it was, and what it may be."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return problem(422, "Parameter", f"{where} is {str(first.get('input'))[:80]!r}: {first['msg']}")


async def unavailable(_: Request, error: Exception) -> JsonAnswer:
    """Say that the database is away, and when to come back."""
    return problem(503, "Unavailable", str(error), headers={"Retry-After": str(RETRY_S)})
