"""A run's Curvature tab: the steepest direction against its threshold, the sum of all, the whole spectrum, a slice."""

import asyncio
from collections.abc import Coroutine, Sequence

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from ergoscope_ui.address import Address, link, read
from ergoscope_ui.cadence import news
from ergoscope_ui.client import Client
from ergoscope_ui.curve import Curve
from ergoscope_ui.errors import UiError
from ergoscope_ui.extent import extent
from ergoscope_ui.figures import canvas
from ergoscope_ui.pages import curvature_charts as charts
from ergoscope_ui.pages import run_landscape
from ergoscope_ui.pages.curvature_charts import Drawn, Material
from ergoscope_ui.panels import curvature as panel
from ergoscope_ui.settings import Settings
from ergoscope_ui.spectrum import Spectrum
from ergoscope_ui.theme import palette

_HIDDEN, _SEEN = {"display": "none"}, {"display": "block"}
_NUMBERS = (panel.SHARPNESS, panel.BLOCKS, panel.TRACE)
_SHOWN = 100  # spectra: as many rows as the chart has room for
_STEEPEST = (charts.RATIO, *panel.TOPS, charts.RESIDUAL, f"{charts.SIZE}/*", f"{charts.RESIDUAL}/*")
_SUMS = (charts.TRACE, "hess_trace_error", "hess_fro", "hess_fro_error", "sgd_trace_ratio")
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
    return html.Div([html.Div(id="curvature-none"), html.Div(shown, id="curvature-shown"), run_landscape.place()])


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
            asked = [*_STEEPEST, *(f"{name}{part}" for name in _SUMS)]
            curves = client.series(run, asked, buckets=settings.buckets, first=held.first, last=held.last)
            material = await _material(client, held, theme, part, curves)
        except UiError as problem:
            return [html.P(str(problem), className="dim"), *[no_update] * (2 + 4 * len(_NUMBERS))]
        if not charts.measured(keys):
            return [panel.unmeasured(material.news), _HIDDEN, *[no_update] * (1 + 4 * len(_NUMBERS))]
        drawn = [charts.sharpness(material), charts.blocks(material), charts.trace(material)]
        return [[], _SEEN, _chooser(parts, part, held), *_columns(drawn)]


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
            asked = [f"{name}{part}" for name in _SHAPE]
            curves = client.series(run, asked, first=spectra[0].step if spectra else held.first, last=held.last)
            material = await _material(client, held, theme, part, curves)
        except UiError as problem:
            blank = extent((), (), held).frame(palette(theme), unit="")
            return [no_update, "", canvas.empty(blank, str(problem), failed=True), []]
        drawn = await asyncio.to_thread(charts.spectrum, material, spectra)  # a fifth of a second: others go on
        return ["card h" if spectra else "card h blank", drawn.words, drawn.figure, drawn.foot]


async def _material(
    client: Client, held: Address, theme: str, part: str, asked: Coroutine[None, None, dict[str, Curve]]
) -> Material:
    summary, verdict, events, curves = await asyncio.gather(
        client.run(held.run), client.verdict(held.run), client.events(held.run), asked
    )
    there = {key: curve for key, curve in curves.items() if curve.size}
    span = extent([summary], there.values(), held)
    return Material(summary, verdict, news(events), there, span, palette(theme), part)


def _columns(drawn: Sequence[Drawn]) -> list[object]:
    """Styles, words, figures and feet of the charts."""
    styles = [_SEEN if one.there else _HIDDEN for one in drawn]
    return [*styles, *(one.words for one in drawn), *(one.figure for one in drawn), *(one.foot for one in drawn)]


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
    links: list[Component] = [html.Span("Trace and spectrum of", className="dim")]
    for name in parts:
        target = Address(page="run", run=held.run, tab="curvature", layer=name, first=held.first, last=held.last)
        on = part == (f"/{name}" if name else "")
        links.append(dcc.Link(name or "the whole model", href=link(target), className="btn on" if on else "btn"))
    return links
