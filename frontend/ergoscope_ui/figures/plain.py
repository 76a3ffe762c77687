"""Text inside figures: plotly reads <b>, <a href> and entities in labels, so what users wrote is escaped."""

import html
import re
import textwrap

_BELOW = re.compile(r"_(?:\{([^{}]*)\}|(\w+))")


def plain(text: str) -> str:
    """Escape what plotly would read as markup.

    Example:
        >>> plain("<b>x</b> & y")
        '&lt;b&gt;x&lt;/b&gt; &amp; y'
    """
    return html.escape(text, quote=False)


def symbols(text: str) -> str:
    """Escape a symbol and set its indices below the line.

    Example:
        >>> symbols("cos(Δ_t, Δ_{t−1})")
        'cos(Δ<sub>t</sub>, Δ<sub>t−1</sub>)'
    """
    return _BELOW.sub(lambda found: f"<sub>{found[1] or found[2]}</sub>", plain(text))


def lines(text: str, *, width: int) -> str:
    """Escape a sentence and break it into lines of at most `width` letters.

    Example:
        >>> lines("absent, because a < b", width=10)
        'absent,<br>because a<br>&lt; b'
    """
    return "<br>".join(plain(line) for line in textwrap.wrap(text, width))
