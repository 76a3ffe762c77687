"""GET /docs: the API's description as one plain page, without anything from another host."""

import html
import json
from collections.abc import Iterator

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "pre{overflow:auto;padding:.6rem;border:1px solid #8886;border-radius:4px;font-size:13px}"
    "h2{margin-top:2.5rem;font:600 17px ui-monospace,monospace}td{padding:.1rem .8rem .1rem 0;vertical-align:top}"
)

router = APIRouter(include_in_schema=False)


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """The description of the API, for people; /openapi.json has it for programs."""
    return HTMLResponse("".join(_page(request.app.openapi())))


def _page(schema: dict[str, object]) -> Iterator[str]:
    info = _object(schema["info"])
    yield f"<!DOCTYPE html><html lang=en><meta charset=utf-8><title>ergoscope API</title><style>{STYLE}</style>"
    yield f"<h1>{_text(info['title'])} API</h1><p>{_text(info['description'])} "
    yield "<a href=/openapi.json>OpenAPI</a>"
    for path, operations in _object(schema["paths"]).items():
        for method, operation in _object(operations).items():
            yield from _operation(path, method, _object(operation))


def _operation(path: str, method: str, operation: dict[str, object]) -> Iterator[str]:
    yield f"<h2>{method.upper()} {_text(path)}</h2><p>{_text(operation.get('description', ''))}</p>"
    parameters = operation.get("parameters", [])
    if isinstance(parameters, list) and parameters:
        yield "<table>"
        for parameter in map(_object, parameters):
            about = _text(parameter.get("description", ""))
            yield f"<tr><td><code>{_text(parameter['name'])}</code><td>{_text(parameter['in'])}<td>{about}"
        yield "</table>"
    yield from _examples("Send", _object(operation.get("requestBody", {})))
    for status, response in sorted(_object(operation.get("responses", {})).items()):
        described = _object(response)
        yield f"<p><b>{_text(status)}</b> {_text(described.get('description', ''))}</p>"
        yield from _examples("", described)


def _examples(title: str, holder: dict[str, object]) -> Iterator[str]:
    for kind, content in _object(holder.get("content", {})).items():
        described = _object(content)
        examples = [_object(one).get("value") for one in _object(described.get("examples", {})).values()]
        for example in [*examples, *([described["example"]] if "example" in described else [])]:
            text = example if isinstance(example, str) else json.dumps(example, indent=1, ensure_ascii=False)
            yield f"<p>{title} {_text(kind)}</p><pre>{_text(text)}</pre>"


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return html.escape(str(value))
