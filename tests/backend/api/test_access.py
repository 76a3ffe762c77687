"""Every route times every role; a route that nobody declared fails here, and is closed there."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import iter_route_contexts

from ergoscope_server.api.needs import DECLARED, need_of
from ergoscope_server.app import create_app
from ergoscope_server.people.tokens import draw
from ergoscope_server.settings import Settings
from ergoscope_server.store.errors import UnavailableError
from ergoscope_server.store.people import People
from tests.backend.api.roles import OURS, ROLES, THEIRS, Guarded, bearer, guarding, make_token

READ = {"read", "admin", "read here", "admin here"}
WRITE = {"write", "admin", "write here", "admin here"}
ANY_READ = READ | {"read elsewhere", "admin elsewhere"}
EVERYBODY = set(ROLES)
ASK = {"key": "x", "runs": "r", "project": OURS}  # parameters that some routes want

# What is let in, written out once more: what follows from the code would prove nothing.
LET_IN: dict[tuple[str, str], set[str]] = {
    ("POST", "/api/v1/batches"): WRITE,
    ("GET", "/api/v1/runs"): ANY_READ,
    ("GET", "/api/v1/runs/{run}"): READ | WRITE,
    ("GET", "/api/v1/runs/{run}/verdict"): READ,
    ("GET", "/api/v1/runs/{run}/events"): READ,
    ("GET", "/api/v1/runs/{run}/histograms"): READ,
    ("GET", "/api/v1/runs/{run}/metrics"): READ,
    ("GET", "/api/v1/runs/{run}/ranks"): READ,
    ("GET", "/api/v1/runs/{run}/series"): READ,
    ("GET", "/api/v1/runs/{run}/sketches"): READ,
    ("GET", "/api/v1/runs/{run}/slices"): READ,
    ("GET", "/api/v1/runs/{run}/spectra"): READ,
    ("POST", "/api/v1/runs/{run}/slices"): WRITE,
    ("DELETE", "/api/v1/runs/{run}/slices/{slice_id}"): WRITE,
    ("GET", "/api/v1/series"): READ,
    ("GET", "/api/v1/alerts"): ANY_READ,
    ("GET", "/api/v1/live"): ANY_READ,
    ("GET", "/api/v1/catalogue"): ANY_READ,
    ("GET", "/api/v1/runs/{run}/export"): READ,
    ("DELETE", "/api/v1/runs/{run}"): {"admin", "admin here"},
    ("PUT", "/api/v1/runs/{run}/archive"): WRITE,
    ("DELETE", "/api/v1/runs/{run}/archive"): WRITE,
    ("POST", "/api/v1/runs/{run}/shares"): WRITE,
    ("GET", "/api/v1/runs/{run}/shares"): WRITE,
    ("DELETE", "/api/v1/runs/{run}/shares/{share_id}"): WRITE,
    ("GET", "/api/v1/retention"): {"read", "admin"},
    ("PUT", "/api/v1/retention"): {"admin", "admin here"},
    ("DELETE", "/api/v1/retention"): {"admin", "admin here"},
    ("GET", "/api/v1/audit"): {"admin"},
    ("GET", "/api/v1/me"): EVERYBODY - {"nobody", "stranger", "revoked"},
    ("GET", "/healthz"): EVERYBODY,
    ("GET", "/readyz"): EVERYBODY,
    ("GET", "/metrics"): {"read", "admin"},
}
DESCRIBED = {
    (method.upper(), path): [one["name"] for one in operation.get("parameters", ()) if one["name"] in ASK]
    for path, operations in create_app(Settings(page=False)).openapi()["paths"].items()
    for method, operation in operations.items()
}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarding(tmp_path_factory.mktemp("guarded")) as service:
        yield service


def test_every_route_of_the_description_has_its_row_in_the_matrix() -> None:
    assert DESCRIBED.keys() == LET_IN.keys()


def test_every_route_that_is_there_is_declared_and_by_its_own_row(tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path))  # with the page and all that it brings
    missing = []
    for route in iter_route_contexts(app.routes):
        path = route.path or ""
        if path == "/api/{path:path}":  # which says that there is nothing
            continue
        path = f"{path}/{{path:path}}" if path == "/assets" else path
        socket = route.methods is None and path != "/assets/{path:path}"
        for method in ["WEBSOCKET"] if socket else sorted((route.methods or {"GET"}) - {"HEAD"}):
            found = need_of(method, path.replace("{", "").replace("}", "").replace(":path", ""))
            if found is None or found.template != path:
                missing.append((method, path))

    assert not missing, "declare what it needs in api/needs.py"


def test_nothing_is_declared_twice() -> None:
    rows = [(method, template) for method, template, _ in DECLARED]

    assert len(rows) == len(set(rows))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("method", "path"), [pytest.param(*route, id=" ".join(route)) for route in DESCRIBED])
def test_who_is_let_in(guarded: Guarded, method: str, path: str, role: str) -> None:
    run = "r"
    if path == "/api/v1/batches":
        answer = guarded.send(1 + ROLES.index(role), role)
    else:
        if (method, path) == ("DELETE", "/api/v1/runs/{run}"):
            run = f"r{ROLES.index(role)}"
            guarded.send(0, "admin", run=run)
        answer = guarded.ask(role, _filled(method, path, run), method, Accept="application/json")

    refused = answer.status_code in (401, 403) or f"there is no run {run!r}" in answer.text
    assert refused == (role not in LET_IN[method, path]), f"{answer.status_code} {answer.text[:200]}"
    assert answer.status_code < 500


def _filled(method: str, path: str, run: str) -> str:
    """Fill in the places of a path, and those parameters of it that are wanted."""
    filled = path.replace("{run}", run).replace("{slice_id}", "s1").replace("{share_id}", "s1")
    return f"{filled}?{'&'.join(f'{name}={ASK[name]}' for name in DESCRIBED[method, path])}"


@pytest.mark.parametrize("role", ["nobody", "stranger", "revoked"])
def test_an_unknown_caller_is_told_what_to_do_and_nothing_else(guarded: Guarded, role: str) -> None:
    answers = [guarded.ask(role, path) for path in ("/api/v1/runs/r", "/api/v1/runs/nobody")]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].headers["WWW-Authenticate"] == 'Bearer realm="ergoscope"'
    assert answers[0].json()["error"] == "Token"
    assert "ergoscope token create" in answers[0].json()["detail"]
    assert answers[0].text == answers[1].text


def test_a_token_whose_time_is_over_is_told_so(guarded: Guarded) -> None:
    old, people = draw(), People(guarded.running.service.store.database, clock=lambda: 1_790_000_000.0)
    people.add_token(old.id, old.digest, name="", scopes="admin", project=None, lasts_s=3600.0)

    answer = guarded.running.client.get("/api/v1/runs", headers=bearer(old.token))

    assert answer.status_code == 401
    assert answer.json()["detail"].startswith(f"token {old.id} expired on 2026-09-21 at 15:13 UTC; send a token as ")
    assert answer.json()["detail"].endswith("Who runs the service makes one: ergoscope token create")


def test_a_run_of_another_project_is_answered_as_one_that_is_not_there(guarded: Guarded) -> None:
    theirs, absent = (guarded.ask("read elsewhere", f"/api/v1/runs/{run}") for run in ("r", "x"))

    assert theirs.status_code == absent.status_code == 404
    assert theirs.text == absent.text.replace("'x'", "'r'")


def test_of_several_runs_each_must_be_the_callers(guarded: Guarded) -> None:
    guarded.send(0, "admin", run="q", project=THEIRS)

    answer = guarded.ask("read here", "/api/v1/series?runs=r&runs=q")

    assert answer.status_code == 404
    assert "there is no run 'q'" in answer.text


@pytest.mark.parametrize("path", ["/api/v1/live?run=r&run=q", "/api/v1/live?run=q", "/api/v1/alerts?run=q"])
def test_runs_that_a_list_is_asked_for_by_name_must_be_the_callers(guarded: Guarded, path: str) -> None:
    guarded.send(1, "admin", run="q", project=THEIRS)

    assert guarded.ask("read here", path, Accept="application/json").status_code == 404


def test_lists_keep_to_the_callers_projects(guarded: Guarded) -> None:
    guarded.send(2, "admin", run="q", project=THEIRS)

    def listed(role: str, query: str = "") -> set[str]:
        return {run["id"] for run in guarded.ask(role, f"/api/v1/runs{query}").json()["runs"]}

    assert "r" in listed("read here") and "q" not in listed("read here")
    assert "q" in listed("read elsewhere") and "r" not in listed("read elsewhere")
    assert listed("read here", f"?project={THEIRS}") == set()
    assert listed("read") >= {"r", "q"}


def test_a_batch_for_another_project_is_refused_and_says_which_may_be_written(guarded: Guarded) -> None:
    answer = guarded.send(50, "write elsewhere")

    assert answer.status_code == 403
    assert answer.json()["error"] == "Forbidden"
    assert f"it may write into '{THEIRS}'" in answer.json()["detail"]
    assert OURS not in answer.text


def test_a_missing_right_is_named(guarded: Guarded) -> None:
    wrong = guarded.ask("write", "/api/v1/runs")
    narrow = guarded.ask("read here", "/metrics")

    assert wrong.status_code == narrow.status_code == 403
    assert wrong.json()["detail"].endswith("may not do this, which needs the right to read")
    assert narrow.json()["detail"].endswith(
        "is not for all projects; this is of all, and needs the right to read in each"
    )


def test_what_is_not_declared_is_not_there(guarded: Guarded) -> None:
    answer = guarded.ask("admin", "/api/v1/undeclared")

    assert answer.status_code == 404
    assert answer.json()["detail"] == "there is no GET /api/v1/undeclared; GET /docs shows what there is"


def test_who_is_for_one_project_must_name_runs_where_no_list_is_given(guarded: Guarded) -> None:
    answer = guarded.ask("read here", "/api/v1/series")

    assert answer.status_code == 403
    assert answer.json()["detail"].endswith("is not for all projects; name the runs that are asked for")


def test_a_stream_ends_when_its_token_is_revoked(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ergoscope_server.api.live.ASK_S", 0.1)
    token = make_token(guarded.people, ["read"])
    with guarded.running.client.stream("GET", "/api/v1/live", headers=bearer(token)) as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith("retry:")
        guarded.people.revoke_token(token.split("_")[1])

        rest = list(lines)  # ends by itself

    assert all(not line.startswith("data") for line in rest)


def test_a_stream_of_all_runs_tells_of_the_callers_only(guarded: Guarded) -> None:
    with guarded.running.client.stream("GET", "/api/v1/live", headers=guarded.headers["read here"]) as stream:
        lines = stream.iter_lines()
        next(lines)
        guarded.send(60, "admin", run="q", project=THEIRS)
        guarded.send(61, "admin")
        told = next(line for line in lines if line.startswith("data"))

    assert '"r"' in told and '"q"' not in told


def test_a_database_that_is_away_is_said_and_lets_nobody_in(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> None:
        raise UnavailableError("the database cannot answer now: gone")

    monkeypatch.setattr(guarded.running.server._app.state.people, "token", fail)

    answer = guarded.running.client.get("/api/v1/runs", headers=bearer(make_token(guarded.people, ["admin"])))

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert answer.json()["detail"] == "the database cannot answer now: gone"


def test_tokens_are_never_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(0)
    with guarding(tmp_path) as guarded:
        for role in ROLES:
            guarded.ask(role, "/api/v1/runs")
            guarded.send(70, role)

    ours = [record for record in caplog.records if not record.name.startswith("http")]  # the test's own client
    written = "".join(capfd.readouterr()) + "".join(record.getMessage() for record in ours)
    secrets = [headers["Authorization"].split()[1] for headers in guarded.headers.values() if headers]
    assert len(secrets) == len(ROLES) - 1
    assert not any(secret.split("_", 2)[2] in written for secret in secrets)
