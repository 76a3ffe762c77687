"""Text from users inside figures: plotly reads <b>, <a href> and entities in labels, so these are taken out."""

import html


def plain(text: str) -> str:
    """Escape what plotly would read as markup.

    Example:
        >>> plain("<b>x</b> & y")
        '&lt;b&gt;x&lt;/b&gt; &amp; y'
    """
    return html.escape(text, quote=False)
