"""Archiving and deleting: the run of a page, or those that are chosen in the list.

The store `chosen` holds their ids. What was done is told to `done`, from which assets/nav.js goes on.
"""

import asyncio
import time
from collections.abc import Sequence

from dash import Dash, Input, Output, State, ctx, no_update

from ergoscope_contract.answers import RunSummary
from ergoscope_ui.client import Client
from ergoscope_ui.errors import UiError, UnknownError
from ergoscope_ui.panels import actions, deletion
from ergoscope_ui.words import listed

CHOSEN = "chosen"


def register(app: Dash, client: Client) -> None:
    """Let the buttons do it, and say what was done."""
    _register_archive(app, client)
    _register_question(app, client)
    _register_deletion(app, client)

    @app.callback(Output(actions.SAID, "children"), Input("said", "data"))
    def say(said: str | None) -> str:
        return said or ""


def _register_archive(app: Dash, client: Client) -> None:
    @app.callback(
        Output("done", "data", allow_duplicate=True),
        Input(actions.ARCHIVE, "n_clicks"),
        Input(actions.RESTORE, "n_clicks"),
        State(CHOSEN, "data"),
        prevent_initial_call=True,
        running=[
            (Output(actions.ARCHIVE, "disabled"), True, False),
            (Output(actions.RESTORE, "disabled"), True, False),
        ],
    )
    async def archive(archived: int | None, restored: int | None, chosen: list[str] | None) -> object:
        if not chosen or not (archived or restored):
            return no_update
        aside = ctx.triggered_id == actions.ARCHIVE
        names: dict[str, str] = {}
        refused = ""
        try:
            for run in chosen:
                name = deletion.named(await client.run(run))
                await client.archive(run, aside=aside)
                names[run] = name
        except UiError as problem:
            refused = str(problem)
        how = "archived, and off the list" if aside else "on the list again"
        said = f"{listed(list(names.values()))} {'is' if len(names) == 1 else 'are'} {how}." if names else ""
        return _done(list(names), said=" ".join(filter(None, [said, refused])))


def _register_question(app: Dash, client: Client) -> None:
    @app.callback(
        Output(deletion.TITLE, "children"),
        Output(deletion.WORDS, "children"),
        Output(deletion.GO, "disabled"),
        Output(deletion.PROBLEM, "children"),
        Input(actions.DELETE, "n_clicks"),
        State(CHOSEN, "data"),
        prevent_initial_call=True,
    )
    async def ask(clicks: int | None, chosen: list[str] | None) -> tuple[object, object, bool, str]:
        if not clicks or not chosen:
            return no_update, no_update, True, ""
        try:
            runs = await _summaries(client, chosen)
            series = len(await client.keys(runs[0].id, own=True)) if len(runs) == 1 else None
        except UiError as problem:
            return "Delete?", "", True, str(problem)
        return deletion.title(runs), deletion.words(runs, series), True, ""


def _register_deletion(app: Dash, client: Client) -> None:
    @app.callback(
        Output("done", "data", allow_duplicate=True),
        Output(deletion.PROBLEM, "children", allow_duplicate=True),
        Input(deletion.GO, "n_clicks"),
        State(CHOSEN, "data"),
        prevent_initial_call=True,
        running=[
            (Output(deletion.GO, "disabled"), True, False),
            (Output(deletion.GO, "children"), deletion.PENDING, deletion.LABEL),
        ],
    )
    async def delete(clicks: int | None, chosen: list[str] | None) -> tuple[object, str]:
        if not clicks or not chosen:
            return no_update, ""
        names: list[str] = []
        gone: list[str] = []
        try:
            for run in chosen:
                await _delete(client, run, names, gone)
        except UiError as problem:
            said = deletion.done(names, gone)
            return no_update, " ".join(filter(None, [said, str(problem)]))
        return _done(chosen, said=deletion.done(names, gone), deleted=True), ""


async def _delete(client: Client, run: str, names: list[str], gone: list[str]) -> None:
    """Delete one run, and note its name among those that were deleted or those that somebody else had deleted."""
    name = run
    try:
        name = deletion.named(await client.run(run))
        await client.delete(run)
    except UnknownError:
        gone.append(name)
    else:
        names.append(name)


async def _summaries(client: Client, chosen: Sequence[str]) -> list[RunSummary]:
    return list(await asyncio.gather(*[client.run(run) for run in chosen]))


def _done(runs: Sequence[str], *, said: str, deleted: bool = False) -> dict[str, object]:
    return {"runs": list(runs), "said": said, "deleted": deleted, "at": time.time()}
