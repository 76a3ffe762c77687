"""What `ergoscope doctor --server` looks at: the settings as they were read, and all that they name."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import fields
from urllib.parse import urlsplit, urlunsplit

import urllib3

from ergoscope_server.environment import read_settings
from ergoscope_server.examination import Finding, State, of_disk, of_lag, of_schema, of_workers
from ergoscope_server.opening import open_provider
from ergoscope_server.settings import ENV, Settings, SettingsError
from ergoscope_server.store.database import Database
from ergoscope_server.store.errors import StoreError
from ergoscope_server.store.standing import Standing, read_standing

MASK = "***"
SECRET = ("password", "secret", "token", "key")  # in the name of a setting
SOON_S = 3.0


class ServerExamination:
    """Looks at the service that the environment describes; nothing is changed, and it may be running or not."""

    def examine(self) -> Iterator[tuple[str, State, str, str]]:
        """Give name, state, what was seen, and what to do."""
        for found in examine(os.environ, now=time.time()):
            yield found.name, found.state, found.said, found.todo


def examine(environment: Mapping[str, str], *, now: float) -> Iterator[Finding]:
    """Look at everything that the settings name."""
    try:
        settings = read_settings(environment)
    except SettingsError as error:
        yield Finding("settings", "fail", str(error), "mend the variable, or unset it")
        return
    yield from _settings(settings)
    yield from _database(settings, now=now)
    if settings.redis_url:
        yield _redis(settings.redis_url)
    if settings.oidc_issuer:
        yield _provider(settings)
    yield _port(settings)


def _settings(settings: Settings) -> Iterator[Finding]:
    for knob in fields(settings):
        value = getattr(settings, knob.name)
        if value != knob.default:
            yield Finding("setting", "ok", f"{knob.metadata[ENV]} is {masked(knob.name, str(value))}")


def masked(name: str, value: str) -> str:
    """Give a setting's value as it may be shown: nothing of a password, nor of an address behind its host.

    Example:
        >>> masked("database_url", "postgresql://ann:pw@db:5432/x"), masked("webhook_url", "https://chat/a/b?c")
        ('postgresql://ann:***@db:5432/x', 'https://chat/***')
        >>> masked("page_secret", "abc"), masked("port", "7117")
        ('***', '7117')
    """
    if any(word in name for word in SECRET):
        return MASK
    if "://" not in value or "," in value:
        return value
    parts = urlsplit(value)
    user, at, host = parts.netloc.rpartition("@")
    place = f"{user.partition(':')[0]}:{MASK}@{host}" if at and ":" in user else parts.netloc
    path = f"/{MASK}" if name == "webhook_url" and parts.path.strip("/") else parts.path
    return urlunsplit((parts.scheme, place, path, "", ""))


def _database(settings: Settings, *, now: float) -> Iterator[Finding]:
    try:
        with closing(Database(settings.store_url)) as database:
            if not database.exists:  # looking would make it
                yield Finding("database", "warn", f"{database.url.database} is not there yet", "ergoscope up makes it")
                return
            yield from _standing(database, read_standing(database), now=now)
            if database.folder is not None:
                yield of_disk(database.folder)
    except StoreError as error:
        yield Finding("database", "fail", str(error), "see that it runs, and that ERGOSCOPE_DATABASE_URL names it")


def _standing(database: Database, standing: Standing, *, now: float) -> Iterator[Finding]:
    more = "".join(f", {name} {value}" for name, value in standing.details.items())
    yield Finding("database", "ok", f"{database.shown}: {standing.kind} {standing.version}{more}")
    yield of_schema(standing)
    if standing.current:
        yield of_workers(standing, now=now)
        yield of_lag(standing, now=now)


def _redis(url: str) -> Finding:
    try:
        from ergoscope_server.bus.connect import FAILURES, connect
    except ImportError as error:
        return Finding("redis", "fail", f"{error.name} is not installed", "pip install 'ergoscope[redis]'")
    try:
        with closing(connect(url)) as client:
            version = client.info("server")["redis_version"]
    except (*FAILURES, ValueError, OSError) as error:
        todo = "see that it runs, and that ERGOSCOPE_REDIS_URL names it; until then news come late"
        return Finding("redis", "warn", f"{masked('redis_url', url)} does not answer: {error}", todo)
    return Finding("redis", "ok", f"{masked('redis_url', url)}: Redis {version}")


def _provider(settings: Settings) -> Finding:
    issuer = settings.oidc_issuer
    try:
        open_provider(settings)
    except SettingsError as error:
        return Finding("provider", "fail", str(error))
    try:
        url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        answer = urllib3.request("GET", url, retries=False, timeout=SOON_S, redirect=False)
        named = answer.json()["issuer"] if answer.status == 200 else None
    except (urllib3.exceptions.HTTPError, OSError, ValueError, KeyError, TypeError):
        named = None
    if named == issuer:
        return Finding("provider", "ok", f"{issuer} answers")
    said = f"{issuer} does not answer" if named is None else f"{issuer} calls itself {str(named)[:200]!r}"
    todo = "see that it runs, and that ERGOSCOPE_OIDC_ISSUER is what it calls itself; till then passwords work"
    return Finding("provider", "warn", said, todo)


def _port(settings: Settings) -> Finding:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    place = f"{'127.0.0.1' if settings.host == '0.0.0.0' else host}:{settings.port}"
    if not settings.port:
        return Finding("port", "ok", "a free one is taken")
    try:
        answer = urllib3.request("GET", f"http://{place}/healthz", retries=False, timeout=SOON_S, redirect=False)
        ours = answer.status == 200 and answer.json() == {"status": "ok"}
    except urllib3.exceptions.NewConnectionError:
        return Finding("port", "ok", f"nothing listens on {place}")
    except (urllib3.exceptions.HTTPError, OSError, ValueError):
        ours = False
    if ours:
        return Finding("port", "ok", f"ergoscope answers on {place}")
    return Finding("port", "fail", f"another program has {place}", "choose another port with ERGOSCOPE_PORT")
