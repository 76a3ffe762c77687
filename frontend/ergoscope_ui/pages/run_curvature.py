"""A run's Curvature tab: the steepest direction against its threshold, the sum of all, the whole spectrum, a slice."""

import asyncio
from collections.abc import Sequence

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from ergoscope_contract.catalogue import ALL
from ergoscope_ui.address import Address, link, read
from ergoscope_ui.client import Client
from ergoscope_ui.dossier import gather
from ergoscope_ui.errors import UiError
from ergoscope_ui.extent import extent
from ergoscope_ui.figures import canvas
from ergoscope_ui.pages import curvature_charts as charts
from ergoscope_ui.pages import run_landscape
from ergoscope_ui.pages.curvature_charts import Drawn
from ergoscope_ui.panels import curvature as panel
from ergoscope_ui.panels import measures, unseen
from ergoscope_ui.panels.measures import Measure
from ergoscope_ui.settings import Settings
from ergoscope_ui.spectrum import Spectrum
from ergoscope_ui.theme import palette

_HIDDEN, _SEEN = {"display": "none"}, {"display": "block"}
_GROUPS = {
    "steps": ("What a step does", measures.STEPS),
    "picture": ("How far the quadratic picture holds", measures.PICTURE),
}
_MEASURES = [measure for _, some in _GROUPS.values() for measure in some]
_NUMBERS = (panel.SHARPNESS, panel.BLOCKS, panel.TRACE, *(panel.place_of(measure.key) for measure in _MEASURES))
_SHOWN = 100  # spectra: as many rows as the chart has room for
_STEEPEST = (charts.RATIO, *panel.TOPS, panel.RESIDUAL, f"{charts.SIZE}/*", f"{panel.RESIDUAL}/*")
_SUMS = (charts.TRACE, "hess_trace_error", "hess_fro", "hess_fro_error")
_SHAPE = (
    charts.COUNT,
    "outliers_unresolved",
    *(f"neg_curv_mass{end}" for end in ("", "_error", "_low", "_high")),
    *(f"{name}{end}" for name in ("lla_re", "lla_kh") for end in ("", "_error")),
)


def place() -> Component:
    """The places of the charts, and of what is said when nothing has been measured."""
    numbers = [
        panel.card(panel.SHARPNESS, charts.RATIO, height=230),
        panel.card(panel.BLOCKS, charts.SIZE, height=230, more=" by block"),
        panel.card(panel.TRACE, charts.TRACE, height=230),
    ]
    whole = panel.card(panel.SPECTRUM, charts.DENSITY, height=400, linked=False)
    parts = html.Nav(id="curvature-parts", className="tools groups")
    shown = [parts, html.Div(numbers, className="qn"), html.Div(whole, className="after")]
    return html.Div(
        [
            html.Div(id="curvature-none"),
            html.Div(shown, id="curvature-shown"),
            *(_group(name, heading, some) for name, (heading, some) in _GROUPS.items()),
            run_landscape.place(),
            html.Div(id="curvature-unseen", className="after"),
        ]
    )


def _group(name: str, heading: str, some: Sequence[Measure]) -> Component:
    cards = [panel.card(panel.place_of(measure.key), measure.key, height=190) for measure in some]
    shown = [html.H2(heading, className="group"), html.Div(cards, className="qn")]
    return html.Div(shown, id=f"curvature-{name}", style=_HIDDEN)


def register(app: Dash, client: Client, settings: Settings) -> None:
    """Fill the charts of numbers as they grow, and the spectrum as often as heat maps are drawn."""
    _register_numbers(app, client, settings)
    _register_spectrum(app, client)
    run_landscape.register(app, client)


def _register_numbers(app: Dash, client: Client, settings: Settings) -> None:
    @app.callback(
        Output("curvature-none", "children"),
        Output("curvature-shown", "style"),
        Output("curvature-parts", "children"),
        Output("curvature-unseen", "children"),
        *[Output(f"curvature-{name}", "style") for name in _GROUPS],
        *[Output(f"{name}-card", "style") for name in _NUMBERS],
        *[Output(f"{name}-sub", "children") for name in _NUMBERS],
        *[Output(name, "figure") for name in _NUMBERS],
        *[Output(f"{name}-foot", "children") for name in _NUMBERS],
        Input("run-id", "data"),
        Input("url", "search"),
        Input("theme", "data"),
        Input("redraw", "data"),
        State("url", "pathname"),
    )
    async def draw(run: str, search: str, theme: str, _clock: int, pathname: str) -> list[object]:
        held = read(pathname, search)
        try:
            keys = await client.keys(run)
            parts = charts.parts_of(keys)
            part = _part(held, parts)
            about = await gather(client, held, _asked(part), palette(theme), buckets=settings.buckets)
        except UiError as problem:
            return [html.P(str(problem), className="dim"), *[no_update] * (3 + len(_GROUPS) + 4 * len(_NUMBERS))]
        whole = charts.measured(keys)
        groups = [[charts.measure(about, one, part) for one in some] for _, some in _GROUPS.values()]
        steepest = [charts.sharpness(about), charts.blocks(about), charts.trace(about, part)] if whole else [None] * 3
        drawn = [*steepest, *(one for some in groups for one in some)]
        lacking = [ALL[one.key] for one, chart in zip(_MEASURES, drawn[3:], strict=True) if chart is None]
        return [
            [] if whole else panel.unmeasured(about.news),
            _SEEN if whole else _HIDDEN,
            _chooser(parts, part, held),
            unseen.table(lacking, about.verdict, about.news) if any(drawn) else [],
            *(_SEEN if any(some) else _HIDDEN for some in groups),
            *_columns(drawn),
        ]


def _asked(part: str) -> list[str]:
    """All series of the tab, those that are of a block with its name."""
    sums = [f"{name}{part}" for one in measures.PICTURE for name in one.series]
    steps = [name for one in measures.STEPS for name in one.series]
    return list(dict.fromkeys([*_STEEPEST, *(f"{name}{part}" for name in _SUMS), *sums, *steps]))


def _register_spectrum(app: Dash, client: Client) -> None:
    @app.callback(
        Output(f"{panel.SPECTRUM}-card", "className"),
        Output(f"{panel.SPECTRUM}-sub", "children"),
        Output(panel.SPECTRUM, "figure"),
        Output(f"{panel.SPECTRUM}-foot", "children"),
        Input("run-id", "data"),
        Input("url", "search"),
        Input("theme", "data"),
        Input("reheat", "data"),
        State("url", "pathname"),
    )
    async def draw(run: str, search: str, theme: str, _clock: int, pathname: str) -> list[object]:
        held = read(pathname, search)
        try:
            part = _part(held, charts.parts_of(await client.keys(run)))
            found = await client.spectra(run, f"{charts.DENSITY}{part}", limit=_SHOWN)
            spectra = _within(found, held)
            first = spectra[0].step if spectra else None
            about = await gather(client, held, [f"{name}{part}" for name in _SHAPE], palette(theme), first=first)
        except UiError as problem:
            blank = extent((), (), held).frame(palette(theme), unit="")
            return [no_update, "", canvas.empty(blank, str(problem), failed=True), []]
        drawn = await asyncio.to_thread(charts.spectrum, about, part, spectra)  # a fifth of a second: others go on
        return ["card h" if spectra else "card h blank", drawn.words, drawn.figure, drawn.foot]


def _columns(drawn: Sequence[Drawn | None]) -> list[object]:
    """Styles, words, figures and feet of the charts; those that are not there stay as they are, out of sight."""
    return [
        *(_HIDDEN if one is None else _SEEN for one in drawn),
        *(no_update if one is None else one.words for one in drawn),
        *(no_update if one is None else one.figure for one in drawn),
        *(no_update if one is None else one.foot for one in drawn),
    ]


def _part(held: Address, parts: Sequence[str]) -> str:
    """Whose trace and spectrum are shown: the block's that the address names, else the first there is."""
    chosen = held.layer if held.layer in parts else next(iter(parts), "")
    return f"/{chosen}" if chosen else ""


def _within(found: Sequence[Spectrum], held: Address) -> list[Spectrum]:
    first, last = held.first, held.last
    return [one for one in found if (first is None or one.step >= first) and (last is None or one.step <= last)]


def _chooser(parts: Sequence[str], part: str, held: Address) -> list[Component]:
    """Links to the blocks whose trace and spectrum there are; nothing for the whole model alone."""
    if not any(parts):
        return []
    links: list[Component] = [html.Span("Trace, spectrum and quadratic picture of", className="dim")]
    for name in parts:
        target = Address(page="run", run=held.run, tab="curvature", layer=name, first=held.first, last=held.last)
        on = part == (f"/{name}" if name else "")
        links.append(dcc.Link(name or "the whole model", href=link(target), className="btn on" if on else "btn"))
    return links
