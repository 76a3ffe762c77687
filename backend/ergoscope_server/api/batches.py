"""POST /api/v1/batches: the way in."""

from fastapi import APIRouter, Request

from ergoscope_contract import codec
from ergoscope_contract.errors import ContractError, SizeError
from ergoscope_server.api.answer import JsonAnswer, problem
from ergoscope_server.api.caller import CallerOf, PeopleOf
from ergoscope_server.api.examples import BODY, RECEIVED
from ergoscope_server.api.service import ServiceOf
from ergoscope_server.ingest.intake import BarredRunError, DeletedRunError
from ergoscope_server.ingest.pressure import FullError
from ergoscope_server.ingest.rate import FastError
from ergoscope_server.ingest.writer import BusyError
from ergoscope_server.people.writing import NotAllowedError, holding

RETRY_S = 2
BARRED_S = 30  # until somebody may have made room

router = APIRouter(prefix="/api/v1", tags=["batches"])


@router.post("/batches", response_class=JsonAnswer, responses=RECEIVED, openapi_extra=BODY)
async def post_batch(request: Request, service: ServiceOf, caller: CallerOf, people: PeopleOf) -> JsonAnswer:
    """Store a batch; answered when it is durable. The same batch may be sent any number of times."""
    try:
        body = await _body(request)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        receipt = await service.intake.take(body, json=kind == "application/json", hold=holding(caller, people))
    except SizeError as error:
        return problem(413, "Size", str(error))
    except ContractError as error:
        return problem(400, type(error).__name__.removesuffix("Error"), str(error))
    except NotAllowedError as error:
        return problem(403, "Forbidden", str(error))
    except DeletedRunError as error:
        return problem(410, "Deleted", str(error))
    except BarredRunError as error:
        return problem(403, "Runs", str(error), headers={"Retry-After": str(BARRED_S)})
    except FullError as error:
        return problem(429, "Full", str(error), headers={"Retry-After": str(error.wait_s)})
    except FastError as error:
        return problem(429, "Rate", str(error), headers={"Retry-After": str(error.wait_s)})
    except BusyError as error:
        return problem(503, "Busy", str(error), headers={"Retry-After": str(RETRY_S)})
    return JsonAnswer(receipt, status_code=422 if receipt.refused else 200)


async def _body(request: Request) -> bytes:
    """Read the body, but never more than a batch may have."""
    stated = request.headers.get("content-length", "")
    if stated.isdigit():
        _check(int(stated))
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        _check(size)
        parts.append(part)
    return b"".join(parts)


def _check(size: int) -> None:
    if size > codec.MAX_PACKED:
        raise SizeError(
            f"the batch has {size} bytes or more; at most {codec.MAX_PACKED} are allowed, so send it in parts"
        )
