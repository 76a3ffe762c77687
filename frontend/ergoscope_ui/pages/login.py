"""The page on which people log in: a form, and no script but the one that knows the theme.

It works before anybody is known, so it is no part of the Dash application, and asks the service nothing. What people
log in with beside passwords, the application that it is mounted on says in `state.login_with`.
"""

from html import escape
from string import Template
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse

from ergoscope_ui import theme

PATH = "/login"
_SAID = {
    "wrong": "Name and password do not belong together.",
    "locked": "There were too many attempts. Wait a quarter of an hour and try again.",
    "away": "The provider that you log in with does not answer now. Try again in a moment.",
    "lapsed": "This login took too long, or was begun elsewhere. Try again.",
    "declined": "The provider did not let you in.",
    "unproven": "What the provider sent is not good, so nobody was logged in. The log of this service says why.",
    "out": "This account is kept out. Ask whoever runs this service.",
    "waiting": "You are known here now, and may see nothing yet. Ask whoever runs this service for a role.",
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
$other
</form>
<p class="below small">Whoever runs this service makes accounts: <code>ergoscope user create NAME</code></p>
</main>
</body>
</html>""")


def answer(request: Request, said: str = "", next: str = "/") -> HTMLResponse:  # noqa: A002  # as the address names it
    """The page, with what is to be said, and where to go afterwards."""
    text = _SAID.get(said, "")
    told = f'<p class="said" role="alert">{text}</p>' if text else ""
    other = _other(getattr(request.app.state, "login_with", ""), next)
    return HTMLResponse(_PAGE.substitute(theme=theme.css(), said=told, wanted=escape(next), other=other))


def _other(name: str, wanted: str) -> str:
    """The way to a provider, if there is one."""
    if not name:
        return ""
    address = f"/login/provider?next={quote(wanted, safe='')}"
    return f'<a class="btn" style="text-align:center" href="{address}">Log in with {escape(name)}</a>'
