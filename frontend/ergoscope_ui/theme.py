"""Colours, fonts and the plotly template, light and dark.

The one place where a colour is written: the style sheet takes its variables from `css`, the figures theirs from
`Palette`. State fills colour areas; state inks colour words, since on light ground the fills are too pale to read.
"""

from dataclasses import asdict, dataclass, fields

from ergoscope_contract.records import JsonObject

FONT = 'system-ui, -apple-system, "Segoe UI", Inter, Roboto, sans-serif'


@dataclass(frozen=True, slots=True)
class Palette:
    """Every colour of one theme, as #rrggbb; `x_ink` is state x as text."""

    name: str
    ground: str
    card: str
    ink: str
    soft: str
    faint: str
    line: str
    accent: str
    warm: str
    descend: str
    settled: str
    still: str
    drift: str
    edge: str
    diverge: str
    warm_ink: str
    descend_ink: str
    settled_ink: str
    still_ink: str
    drift_ink: str
    edge_ink: str
    diverge_ink: str
    badge: str
    badge_ink: str
    heat_low: str
    heat_high: str
    runs: tuple[str, ...]

    def fill(self, role: str) -> str:
        """The fill of a state's role ("descend", "edge", ...)."""
        return str(getattr(self, role))


LIGHT = Palette(
    name="light",
    ground="#f7f7f5",
    card="#ffffff",
    ink="#1b1d1f",
    soft="#63686e",
    faint="#6b7178",
    line="#e4e4e0",
    accent="#2457a6",
    warm="#b9c2cc",
    descend="#3b78b8",
    settled="#2a9d8f",
    still="#5a8f3c",
    drift="#d69a2d",
    edge="#e07b28",
    diverge="#c23b3b",
    warm_ink="#63686e",
    descend_ink="#336ca8",
    settled_ink="#1f7f74",
    still_ink="#4a7a30",
    drift_ink="#946510",
    edge_ink="#ad5b12",
    diverge_ink="#c23b3b",
    badge="#c23b3b",
    badge_ink="#ffffff",
    heat_low="#2b6cb0",
    heat_high="#d9661f",
    runs=("#2f6fb0", "#c77f12", "#b0413e", "#1f8a7a", "#7d55b5", "#5f7d1f", "#b3508a", "#4d5a66"),
)

DARK = Palette(
    name="dark",
    ground="#101214",
    card="#181b1e",
    ink="#e9e9e6",
    soft="#a4a9af",
    faint="#8d939a",
    line="#2a2e33",
    accent="#7fb0f5",
    warm="#56606b",
    descend="#6ba5e0",
    settled="#4cc2b1",
    still="#8dc26a",
    drift="#e6b655",
    edge="#f09a4e",
    diverge="#e46a64",
    warm_ink="#a4a9af",
    descend_ink="#6ba5e0",
    settled_ink="#4cc2b1",
    still_ink="#8dc26a",
    drift_ink="#e6b655",
    edge_ink="#f09a4e",
    diverge_ink="#e46a64",
    badge="#e46a64",
    badge_ink="#101214",
    heat_low="#3b6fb0",
    heat_high="#f09a4e",
    runs=("#6ba5e0", "#e6b04a", "#e4746a", "#4cc2b1", "#b79ae8", "#a9c25e", "#e48abb", "#a9b4bf"),
)


def palette(name: str | None) -> Palette:
    """The palette of a theme's name; light when it is not known."""
    return DARK if name == "dark" else LIGHT


def css() -> str:
    """Both palettes as style sheet variables: `--soft`, `--edge-ink`, `--run-0`, ..."""
    return f":root{{{_variables(LIGHT)}}}[data-theme=dark]{{{_variables(DARK)}}}"


def translucent(colour: str, opacity: float) -> str:
    """Give #rrggbb an opacity.

    Example:
        >>> translucent("#ff8000", 0.5)
        'rgba(255,128,0,0.5)'
    """
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, from 1 to 21 (WCAG 2: ratio of relative luminances, each plus 0.05).

    Example:
        >>> contrast("#000000", "#ffffff")
        21.0
    """
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def template(colours: Palette) -> JsonObject:
    """The plotly template of a theme."""
    clear = "rgba(0,0,0,0)"
    axis: JsonObject = {"zeroline": False, "linecolor": colours.line, "tickcolor": colours.line, "automargin": False}
    return {
        "layout": {
            "paper_bgcolor": clear,
            "plot_bgcolor": clear,
            "font": {"color": colours.soft, "size": 11, "family": FONT},
            "showlegend": False,
            "hovermode": "x unified",
            "hoverlabel": {"bgcolor": colours.card, "bordercolor": colours.line, "font": {"color": colours.ink}},
            "colorway": list(colours.runs),
            "xaxis": {**axis, "gridcolor": clear, "tickformat": ",d", "nticks": 6, "ticklabelstandoff": 3},
            "yaxis": {
                **axis,
                "gridcolor": colours.line,
                "nticks": 5,
                "title": {"standoff": 4},
                "ticklabelstandoff": 4,
                "exponentformat": "e",
                "minexponent": 2,
            },
        }
    }


def _variables(colours: Palette) -> str:
    plain = {f.name: asdict(colours)[f.name] for f in fields(colours) if f.name not in ("name", "runs")}
    runs = {f"run-{i}": colour for i, colour in enumerate(colours.runs)}
    return "".join(f"--{name.replace('_', '-')}:{value};" for name, value in {**plain, **runs}.items())


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
