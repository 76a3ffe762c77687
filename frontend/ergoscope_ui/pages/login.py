"""The page on which people log in: a form, and no script but the one that knows the theme.

It works before anybody is known, so it is no part of the Dash application, and asks the service nothing.
"""

from html import escape
from string import Template

from fastapi.responses import HTMLResponse

from ergoscope_ui import theme

PATH = "/login"
_SAID = {
    "wrong": "Name and password do not belong together.",
    "locked": "There were too many attempts. Wait a quarter of an hour and try again.",
}
_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ergoscope: log in</title>
<link rel="icon" href="/_favicon.ico">
<style>$theme</style>
<link rel="stylesheet" href="/assets/house.css">
<script src="/assets/early.js"></script>
</head>
<body>
<header><span class="brand"><b>ergoscope</b></span></header>
<main class="login">
<form class="card" method="post" action="/login">
<h1>Log in</h1>
$said
<label for="name">Name</label>
<input id="name" name="name" autocomplete="username" autocapitalize="none" maxlength="256" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="1000" required>
<input type="hidden" name="next" value="$wanted">
<button class="btn on">Log in</button>
</form>
<p class="below small">Whoever runs this service makes accounts: <code>ergoscope user create NAME</code></p>
</main>
</body>
</html>""")


def answer(said: str = "", next: str = "/") -> HTMLResponse:  # noqa: A002  # as the address names it
    """The page, with what is to be said, and where to go afterwards."""
    text = _SAID.get(said, "")
    told = f'<p class="said" role="alert">{text}</p>' if text else ""
    return HTMLResponse(_PAGE.substitute(theme=theme.css(), said=told, wanted=escape(next)))
