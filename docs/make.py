"""Writes the pages that follow from the code: metrics.md, a page for each quantity, settings.md and api.md.

python docs/make.py            writes them
python docs/make.py --check    says which ones lag, and fails if any does
"""

import argparse
import dataclasses
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from indicator_pages import FOLDER, HEADER, page, plain

from ergoscope_contract import catalogue
from ergoscope_contract.catalogue import Family, Metric

HERE = Path(__file__).parent


def metrics_page() -> str:
    """Every entry of the catalogue, by family, those that this version measures first; each leads to its own page."""
    entries = list(catalogue.ALL.values())
    made = sum(metric.made for metric in entries)
    parts = [
        "# Quantities\n",
        HEADER,
        f"ergoscope knows {len(entries)} quantities; this version measures {made} of them. The others are listed with "
        "the reason, which is what the page says in the place of a number. A series of the whole model is named by its "
        "id, such as `grad_norm`; a layer's own by id and parameter, such as `grad_norm/conv1.weight`.\n",
        "Each leads to a page of its own: what it says, how it is worked out, how it misleads, its source, how it is "
        "tested, and its course in a real run.\n",
        "Symbols: w weights, g gradient of the minibatch loss L_B, F the loss over all data and ∇F its gradient, "
        "Δ the update actually applied, H the Hessian, Σ the covariance of the gradients of single examples, "
        "η learning rate, β or μ momentum, λ weight decay or an eigenvalue, B batch size.\n",
    ]
    for family in Family:
        own = sorted((m for m in entries if m.family is family), key=lambda m: not m.made)
        parts.append(f"## {family.value.capitalize()}\n")
        parts.append(_table(("quantity", "series", "symbol", "unit", "what it says"), map(_metric_row, own)))
    return "\n".join(parts)


def _metric_row(metric: Metric) -> tuple[str, ...]:
    said = plain(metric.tooltip) if metric.made else f"Not yet: {plain(metric.absent)}."
    return f"[{metric.name}]({FOLDER}/{metric.id}.md)", f"`{metric.id}`", plain(metric.symbol), metric.unit, said


def settings_page() -> str:
    """Every knob of agent, service and page."""
    from ergoscope.settings import Settings as AgentSettings
    from ergoscope_server.settings import Settings as ServerSettings
    from ergoscope_ui.settings import Settings as PageSettings

    parts = [
        "# Settings\n",
        HEADER,
        "What code or the command line says wins over the environment, the environment over the default.\n",
        "## In the job\n",
        "Arguments of `ergoscope.init` and `ergoscope.watch`.\n",
        _settings_table(AgentSettings),
        "## Service\n",
        "Options of `ergoscope up` (`ergoscope up --help`) or variables. A variable with `_FILE` behind its name, such "
        "as `ERGOSCOPE_DATABASE_URL_FILE`, names a file that holds the value, such as a container's secret.\n",
        _settings_table(ServerSettings),
        "## Page\n",
        "Given to the page by whoever mounts it; the service does so by itself.\n",
        _settings_table(PageSettings),
    ]
    return "\n".join(parts)


def _settings_table(settings: type) -> str:
    described = _described(settings.__doc__ or "")
    rows = []
    for knob in dataclasses.fields(settings):
        env = str(knob.metadata.get("env", ""))
        about = str(knob.metadata.get("about") or knob.metadata.get("help") or described.get(knob.name, ""))
        rows.append((f"`{knob.name}`", f"`{env}`" if env else "", _default(knob), about))
    heads = ("setting", "variable", "default", "meaning")
    kept = [i for i in range(4) if i != 1 or any(row[1] for row in rows)]
    return _table([heads[i] for i in kept], ([row[i] for i in kept] for row in rows))


def _described(text: str) -> dict[str, str]:
    """Read "name: sentence" lines of a class docstring."""
    pairs = (line.strip().partition(": ") for line in text.splitlines())
    return {name: about[:1].upper() + about[1:] for name, colon, about in pairs if colon and name.isidentifier()}


def _default(knob: "dataclasses.Field[Any]") -> str:
    if knob.default_factory is not dataclasses.MISSING:
        value = knob.default_factory()
    elif knob.default is not dataclasses.MISSING:
        value = knob.default
    else:
        return "must be given"
    if value in ("", (), None):
        return "none"
    home = str(Path.home())
    return f"`{str(value).replace(home, '~')}`"


def api_page() -> str:
    """Every route of the service, from its OpenAPI description."""
    from ergoscope_server.app import create_app
    from ergoscope_server.settings import Settings

    parts = ["# REST interface\n", HEADER, "The same, to try out, is at `/docs` of a running service.\n"]
    paths: Mapping[str, Mapping[str, Mapping[str, Any]]] = create_app(Settings(page=False)).openapi()["paths"]
    for path, methods in paths.items():
        for method, route in methods.items():
            parts.append(_route_section(f"{method.upper()} {path}", route))
    return "\n".join(parts)


def _route_section(title: str, route: Mapping[str, Any]) -> str:
    lines = [f"## `{title}`\n", str(route.get("description") or route.get("summary", "")).strip() + "\n"]
    rows = [
        (f"`{p['name']}`", p["in"], _allowed(p.get("schema", {})), "yes" if p.get("required") else "")
        for p in route.get("parameters", ())
    ]
    if rows:
        lines.append(_table(("parameter", "in", "allowed", "required"), rows))
    answers = {code: _line(answer.get("description", "")) for code, answer in sorted(route["responses"].items())}
    lines += [f"- {code}: {text}" for code, text in answers.items() if text not in _STOCK]
    return "\n".join(lines).rstrip() + "\n"


_STOCK = ("Successful Response", "Validation Error")  # what FastAPI says of every route


def _allowed(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_allowed(option) for option in schema["anyOf"] if option.get("type") != "null")
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    if schema.get("type") == "array":
        return f"any number of {_allowed(schema.get('items', {}))}"
    ends = {"from": schema.get("minimum"), "to": schema.get("maximum")}
    return " ".join(
        [str(schema.get("type", "text")), *(f"{word} {end}" for word, end in ends.items() if end is not None)]
    )


def _line(text: str) -> str:
    return " ".join(str(text).split())


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(heads)
    lines = [_row(heads), _row("---" for _ in heads), *(_row(map(_cell, row)) for row in rows)]
    return "\n".join(lines) + "\n"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return _line(text).replace("|", r"\|")


PAGES: Mapping[str, Callable[[], str]] = {
    "metrics.md": metrics_page,
    "settings.md": settings_page,
    "api.md": api_page,
    **{f"{FOLDER}/{metric.id}.md": partial(page, metric) for metric in catalogue.ALL.values()},
}


def lagging(folder: Path) -> list[str]:
    """Names of the pages in a folder that do not say what the code says."""
    return [name for name, make in PAGES.items() if not _says(folder / name, make())]


def _says(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def strays(folder: Path) -> list[str]:
    """Names of the pages of quantities that there are no more."""
    return sorted(name for path in (folder / FOLDER).glob("*.md") if (name := f"{FOLDER}/{path.name}") not in PAGES)


def main(arguments: list[str] | None = None) -> int:
    """Write the pages, or check them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a page lags behind the code")
    parser.add_argument("--folder", type=Path, default=HERE, help="where the pages are")
    options = parser.parse_args(arguments)
    late, left = lagging(options.folder), strays(options.folder)
    for name in [*late, *left]:
        if options.check:
            what = "lags behind the code" if name in late else "is of no quantity"
            sys.stdout.write(f"docs/{name} {what}; run: python docs/make.py\n")
        elif name in late:
            (options.folder / name).parent.mkdir(exist_ok=True)
            (options.folder / name).write_text(PAGES[name](), encoding="utf-8")
            sys.stdout.write(f"docs/{name} written\n")
        else:
            (options.folder / name).unlink()
            sys.stdout.write(f"docs/{name} removed\n")
    return 1 if options.check and (late or left) else 0


if __name__ == "__main__":
    raise SystemExit(main())
