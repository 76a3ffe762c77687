"""Links: one that was just made, and those that are open."""

from dash.development.base_component import Component

from ergoscope_contract.answers import Share
from ergoscope_ui.panels.sharing import ending, links, made
from tests.frontend.text import text_of

DAY_S = 86_400.0
ADA, BOB = (Share(name[0], "r1", name, 0.0, days * DAY_S) for name, days in (("ada", 7), ("bob", 30)))


def _said(part: object) -> str:
    return " ".join(text_of(part).split())


def test_a_new_link_is_told_once_with_when_it_expires() -> None:
    said = _said(made("https://x/shared/t", ADA, near=False, now=1.0))

    assert said == "https://x/shared/t Copy It is shown this once, and expires in 7 days."


def test_of_a_link_to_this_machine_it_is_said_that_others_cannot_open_it() -> None:
    assert _said(made("http://localhost/t", ADA, near=True, now=1.0)).endswith(
        "Its address is this machine's own, and opens nowhere else."
    )


def test_open_links_are_listed_newest_first_with_who_made_them() -> None:
    listed = links([ADA, BOB], now=1.0)

    assert _said(listed) == "made by bob, expires in 30 days Take back made by ada, expires in 7 days Take back"
    buttons = [
        part for part in listed._traverse() if isinstance(part, Component) and getattr(part, "n_clicks", None) == 0
    ]
    assert [button.id for button in buttons] == [ending("b"), ending("a")]  # type: ignore[attr-defined]  # dash has no types here
    assert getattr(buttons[0], "aria-label") == "Take back link b, made by bob"


def test_where_nobody_is_known_nobody_is_named_and_without_links_it_is_said() -> None:
    assert (
        _said(links([ADA], unknown="ada", now=1.0)) == "made , expires in 7 days Take back"
    )  # the page writes the age
    assert _said(links([])) == "None."
