"""Examples for the API's description; a test sends and compares them, so they are what the service really says."""

BATCH: dict[str, object] = {
    "version": 1,
    "run": "fox-7",
    "attempt": 1790000000000,
    "rank": 0,
    "seq": 0,
    "keys": ["loss", "lr"],
    "blocks": [
        {
            "keys": [0, 1],
            "steps": [1, 2, 3],
            "values": [[2.31, "NaN", 2.2], [0.1, 0.1, 0.1]],
            "wall": [1790000000.5, 1790000001.5],
        }
    ],
    "about": {
        "id": "fox-7",
        "project": "digits",
        "name": "first try",
        "created": 1790000000.0,
        "config": {"optimizer": "SGD"},
    },
    "pulse": {"wall": 1790000001.5, "last_step": 3},
}
RECEIPT: dict[str, object] = {"stored": True, "values": 6}
SERIES: dict[str, object] = {
    "run": "fox-7",
    "cursor": 1,
    "series": [
        {"metric": "loss", "rank": 0, "points": 3, "steps": [1, 2, 3], "values": [2.31, "NaN", 2.2]},
        {"metric": "lr", "rank": 0, "points": 3, "steps": [1, 2, 3], "values": [0.1, 0.1, 0.1]},
    ],
}
BUCKETS: dict[str, object] = {
    "run": "fox-7",
    "cursor": 1,
    "series": [
        {
            "metric": "loss",
            "rank": 0,
            "points": 3,
            "buckets": {
                "first": [1, 3],
                "last": [2, 3],
                "low": [2.31, 2.2],
                "high": [2.31, 2.2],
                "mean": [2.31, 2.2],
                "final": ["NaN", 2.2],
                "count": [2, 1],
                "nonfinite": [1, 0],
            },
        }
    ],
}
METRICS: dict[str, object] = {
    "metrics": [
        {"key": "loss", "rank": 0, "points": 3, "last_step": 3, "last_value": 2.2},
        {"key": "lr", "rank": 0, "points": 3, "last_step": 3, "last_value": 0.1},
        {"key": "wall", "rank": 0, "points": 2, "last_step": 3, "last_value": 1790000001.5},
    ]
}
SLICE_ASKED: dict[str, object] = {
    "id": "5f0c2a9e",
    "axes": "hessian",
    "dimensions": 1,
    "points": 5,
    "extent": 0.5,
    "share": 0.05,
}
SLICES: dict[str, object] = {
    "slices": [
        {
            "id": "5f0c2a9e",
            "state": "done",
            "asked": 1790000042.0,
            "landscape": {
                "step": 1204,
                "axes": ["steepest direction"],
                "scales": [1.0],
                "offsets": [[-0.5, -0.25, 0.0, 0.25, 0.5]],
                "values": [2.0, 1.25, 1.0, 1.25, 2.0],
                "predicted": [2.0, 1.25, 1.0, 1.25, 2.0],
                "misfit": 0.0,
                "curvatures": [8.0],
                "slopes": [0.0],
                "update": 0.02,
                "batch": "9c41",
            },
            "request": SLICE_ASKED,
        }
    ]
}
PROBLEM: dict[str, object] = {
    "error": "Unknown",
    "detail": "there is no run 'nobody'; GET /api/v1/runs has those there are",
}
STREAM = (
    "retry: 1000\n\n"
    "id: fox-7:1\n"
    "event: increment\n"
    'data: {"run":"fox-7","cursor":1,"series":[{"metric":"lr","rank":0,"points":3,"steps":[1,2,3],'
    '"values":[0.1,0.1,0.1]}]}\n\n'
)

Responses = dict[int | str, dict[str, object]]


def answered(**examples: object) -> Responses:
    """Describe a good answer by examples, and the one for what does not exist."""
    named = {name: {"value": value} for name, value in examples.items()}
    good: Responses = {200: {"content": {"application/json": {"examples": named}}, "description": "As asked"}}
    return good | MISSING


MISSING: Responses = {404: {"content": {"application/json": {"example": PROBLEM}}, "description": "No such run"}}
ASKED: Responses = {
    201: {"content": {"application/json": {"example": SLICE_ASKED}}, "description": "Asked; what will be measured"},
    **MISSING,
    409: {"description": "Another slice of the run is waited for; the text names it"},
    422: {"description": "Something that cannot be asked, or the run has ended"},
}
WITHDRAWN: Responses = {
    204: {"description": "Not waited for any more"},
    404: {"content": {"application/json": {"example": PROBLEM}}, "description": "No such run, or no such slice"},
    409: {"description": "It is measured or refused already"},
}
DELETED: Responses = {
    202: {"description": "Nobody sees it any more; the service goes on deleting its rows"},
    204: {"description": "No row of it is left"},
    **MISSING,
}
ARCHIVED: Responses = {204: {"description": "Done; to do it twice does no harm"}, **MISSING}
EXPORTED: Responses = {
    200: {
        "content": {
            "text/csv": {"example": "metric,attempt,rank,step,value\nloss,1790000000000,0,2,NaN\n"},
            "application/json": {
                "example": {
                    "run": {"id": "fox-7", "project": "digits", "name": "first try"},
                    "series": [
                        {
                            "metric": "loss",
                            "attempt": 1790000000000,
                            "rank": 0,
                            "steps": [1, 2],
                            "values": [2.31, "NaN"],
                        }
                    ],
                }
            },
            "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
        },
        "description": "The run, streamed",
    },
    404: {"content": {"application/json": {"example": PROBLEM}}, "description": "No such run, or no such series in it"},
    422: {"description": "A parameter that cannot be used, or Parquet where the service has not what it needs for it"},
    503: {"description": "As many exports run as may at once; try again after Retry-After seconds"},
}
RETENTION: dict[str, object] = {"project": "digits", "days": 30.0, "ended": False}
KEPT: Responses = {
    200: {"content": {"application/json": {"example": RETENTION}}, "description": "What the project keeps from now on"},
    422: {"description": "Not such an object, or fewer days than there may be"},
}
SLICE: dict[str, object] = {
    "requestBody": {"content": {"application/json": {"example": {"points": 5, "extent": 0.5, "share": 0.05}}}}
}
RECEIVED: Responses = {
    200: {"content": {"application/json": {"example": RECEIPT}}, "description": "Durable"},
    400: {"description": "Not a batch, or of a version that is not understood here; nothing is kept"},
    403: {
        "description": "Nothing is kept: the token may not write there, or the run is new and its project has as many "
        "as it may; keep the batch"
    },
    410: {"description": "Its run was deleted; nothing is kept, and nothing of that run will be"},
    413: {"description": "Larger than allowed; nothing is kept"},
    422: {
        "content": {
            "application/json": {
                "example": {
                    "stored": True,
                    "values": 2,
                    "refused": [
                        {
                            "where": "blocks[0].loss[1]",
                            "reason": "None is not a number; allowed: numbers, 'NaN', 'Infinity', '-Infinity'",
                        }
                    ],
                }
            }
        },
        "description": "Durable but for what is listed as refused",
    },
    429: {
        "description": "More waits to be folded than may, or the run sends more than it may; keep it and try again "
        "after Retry-After seconds"
    },
    503: {"description": "Cannot be stored now; keep it and try again after Retry-After seconds"},
}
BODY: dict[str, object] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"example": BATCH},
            "application/octet-stream": {
                "schema": {"type": "string", "format": "binary", "description": "ERGO, version byte, zstd of msgpack"}
            },
        },
    }
}
STREAMED: Responses = {
    200: {
        "content": {
            "text/event-stream": {"example": STREAM},
            "application/json": {"example": {"cursor": "fox-7:1", "events": [{"event": "verdict", "data": {}}]}},
        },
        "description": "Events from the cursor on; as one object for those who ask for JSON",
    }
}
