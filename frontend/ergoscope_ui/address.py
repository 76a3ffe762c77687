"""What is shown, as an address: every view can be linked."""

from dataclasses import dataclass, replace
from urllib.parse import parse_qs, quote, unquote, urlencode

TABS = ("overview", "series", "layers", "curvature", "distributions", "config", "events")


@dataclass(frozen=True, slots=True)
class Address:
    """One view.

    page: "runs", "run", "compare", "alerts", or "unknown".
    run: the run of a run page. tab: which part of it. layer: the layer opened there.
    quantity: what the heat map shows, or the group of series.
    first, last: the steps the charts are held to; None means to the end.
    runs, base: the compared runs in order, and the one the others are held against.
    query: the query line of the runs list. archived: it lists those that were set aside, instead of the others.
    """

    page: str = "runs"
    run: str = ""
    tab: str = "overview"
    layer: str = ""
    quantity: str = ""
    first: int | None = None
    last: int | None = None
    runs: tuple[str, ...] = ()
    base: str = ""
    query: str = ""
    archived: bool = False

    @property
    def baseline(self) -> str:
        """The run the others are held against: the one named, else the first."""
        return self.base if self.base in self.runs else (self.runs[0] if self.runs else "")

    def at(self, *, first: int | None, last: int | None) -> "Address":
        """The same view held to other steps."""
        return replace(self, first=first, last=last)


def read(pathname: str | None, search: str | None) -> Address:
    """Read an address from the two parts of a URL; what cannot be read is left out, never an error.

    Example:
        >>> read("/runs/a%20b", "?tab=layers&first=10").tab
        'layers'
    """
    asked = {key: values[-1] for key, values in parse_qs((search or "").lstrip("?")).items()}
    parts = [unquote(part) for part in (pathname or "/").split("/") if part]
    first, last = _step(asked.get("first")), _step(asked.get("last"))
    if not parts or parts == ["runs"]:
        return Address(page="runs", query=asked.get("q", ""), archived=asked.get("archived") == "true")
    if parts[0] == "runs" and len(parts) == 2:
        tab = asked.get("tab", "overview")
        return Address(
            page="run",
            run=parts[1],
            tab=tab if tab in TABS else "overview",
            layer=asked.get("layer", ""),
            quantity=asked.get("of", ""),
            first=first,
            last=last,
        )
    if parts == ["compare"]:
        runs = tuple(dict.fromkeys(unquote(run) for run in asked.get("runs", "").split(",") if run))
        return Address(page="compare", runs=runs, base=asked.get("base", ""), first=first, last=last)
    return Address(page="alerts" if parts == ["alerts"] else "unknown")


def search(address: Address) -> str:
    """Write the part of a URL after the path, with its question mark; empty when there is nothing to say."""
    pairs = {
        "q": address.query,
        "archived": "true" if address.archived else "",
        "tab": "" if address.tab == "overview" else address.tab,
        "layer": address.layer,
        "of": address.quantity,
        "runs": ",".join(quote(run, safe="") for run in address.runs),
        "base": address.base,
        "first": "" if address.first is None else str(address.first),
        "last": "" if address.last is None else str(address.last),
    }
    told = {key: value for key, value in pairs.items() if value}
    return f"?{urlencode(told)}" if told else ""


def path(address: Address) -> str:
    """Write the path of a URL."""
    if address.page == "run":
        return f"/runs/{quote(address.run, safe='')}"
    return {"runs": "/", "compare": "/compare", "alerts": "/alerts"}.get(address.page, "/")


def link(address: Address) -> str:
    """Write the whole URL below the host.

    Example:
        >>> link(Address(page="run", run="r1", tab="layers", first=100))
        '/runs/r1?tab=layers&first=100'
    """
    return path(address) + search(address)


def _step(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
