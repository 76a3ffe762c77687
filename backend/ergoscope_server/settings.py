"""Every knob of the service: type, default, environment name and one sentence each."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

ENV = "env"
HELP = "help"
FILE = "_FILE"  # behind a variable's name: where its value stands, such as a container's secret
REDIS = ("redis://", "rediss://", "redis+cluster://", "rediss+cluster://", "unix://")
FORMS = ("text", "json")
LEVELS = ("debug", "info", "warning", "error")
ACCESS = ("auto", "open", "closed")
FIRST_ROLES = ("none", "viewer", "member")  # none of them gives rights over people
EVERY_ADDRESS = ("0.0.0.0", "::", "")  # of the machine
_PREFIX = re.compile(r"[A-Za-z0-9._:-]{1,64}")  # no braces: what stands in them chooses a cluster's slot


class SettingsError(ValueError):
    """A setting that cannot be used; the text says which, what was seen and what is allowed."""


def _knob(env: str, meaning: str) -> dict[str, str]:
    return {ENV: env, HELP: meaning}


@dataclass(frozen=True, slots=True)
class Settings:
    """How the service runs. What is given in code or on the command line wins over the environment."""

    host: str = field(
        default="127.0.0.1",
        metadata=_knob("ERGOSCOPE_HOST", "Address to listen on; anything but loopback lets others in."),
    )
    port: int = field(default=7117, metadata=_knob("ERGOSCOPE_PORT", "TCP port to listen on; 0 takes a free one."))
    data_dir: Path = field(
        default=Path("~/.ergoscope/server"),
        metadata=_knob("ERGOSCOPE_DATA_DIR", "Where the database lies, unless another one is named."),
    )
    database_url: str = field(
        default="",
        metadata=_knob(
            "ERGOSCOPE_DATABASE_URL", "sqlite:///... or postgresql://...; empty means SQLite in the data directory."
        ),
    )
    redis_url: str = field(
        default="",
        metadata=_knob(
            "ERGOSCOPE_REDIS_URL",
            "redis://HOST:PORT/DB, or redis+cluster://NODE:PORT, through which the processes of one service tell each "
            "other what is new; empty means that there is one process.",
        ),
    )
    redis_prefix: str = field(
        default="ergoscope",
        metadata=_knob(
            "ERGOSCOPE_REDIS_PREFIX",
            "What all names in Redis begin with; another one for each service that shares a Redis, whatever the DB.",
        ),
    )
    unfolded_mb: int = field(
        default=512,
        metadata=_knob(
            "ERGOSCOPE_UNFOLDED_MB",
            "Size (2^20 bytes) of the batches not yet folded beyond which senders are told to wait.",
        ),
    )
    run_series: int = field(
        default=20_000,
        metadata=_knob(
            "ERGOSCOPE_RUN_SERIES",
            "Series that a run may have, ranks and attempts not counted; values under more names are refused. 0 is no "
            "limit.",
        ),
    )
    run_rate: int = field(
        default=0,
        metadata=_knob(
            "ERGOSCOPE_RUN_RATE",
            "Values a second that a run may send to a process, on average over some ten seconds; beyond it senders are "
            "told to wait. 0 is no limit.",
        ),
    )
    project_runs: int = field(
        default=100_000,
        metadata=_knob(
            "ERGOSCOPE_PROJECT_RUNS",
            "Runs that a project may have, those set aside too; more are not let in, and their jobs keep what they "
            "measure. 0 is no limit.",
        ),
    )
    workers: int = field(
        default=1, metadata=_knob("ERGOSCOPE_WORKERS", "Processes of `ergoscope serve` that share its port.")
    )
    webhook_url: str = field(
        default="", metadata=_knob("ERGOSCOPE_WEBHOOK_URL", "Where alerts are posted to; empty posts nowhere.")
    )
    access: str = field(
        default="auto",
        metadata=_knob(
            "ERGOSCOPE_ACCESS",
            "Who may come in: `closed` lets in who has a token or logs in, `open` everybody; `auto` is `open` on "
            "loopback without a public address, and else `closed`.",
        ),
    )
    public_url: str = field(
        default="",
        metadata=_knob(
            "ERGOSCOPE_PUBLIC_URL",
            "https://NAME, where people and jobs reach the service; several with commas. It then answers to these "
            "names and to loopback's only, and links in alerts begin with the first.",
        ),
    )
    oidc_issuer: str = field(
        default="",
        metadata=_knob(
            "ERGOSCOPE_OIDC_ISSUER",
            "https://..., the provider of OpenID Connect at which people log in; empty is by passwords only.",
        ),
    )
    oidc_client_id: str = field(
        default="", metadata=_knob("ERGOSCOPE_OIDC_CLIENT_ID", "What this service is called at the provider.")
    )
    oidc_client_secret: str = field(
        default="", metadata=_knob("ERGOSCOPE_OIDC_CLIENT_SECRET", "What the provider knows this service by.")
    )
    oidc_name: str = field(
        default="", metadata=_knob("ERGOSCOPE_OIDC_NAME", "Log in with ..., on the page; empty is the issuer's host.")
    )
    oidc_role: str = field(
        default="none",
        metadata=_knob(
            "ERGOSCOPE_OIDC_ROLE",
            "What people may do in all projects who come by the provider for the first time: `none` until an admin "
            "gives them a role, `viewer` or `member`.",
        ),
    )
    log_format: str = field(
        default="text", metadata=_knob("ERGOSCOPE_LOG_FORMAT", "Form of the log's lines on stderr: `text` or `json`.")
    )
    log_level: str = field(
        default="warning",
        metadata=_knob(
            "ERGOSCOPE_LOG_LEVEL",
            "What is worth a line: `debug`, `info` (each request, fold and verdict too), `warning` or `error`.",
        ),
    )
    metrics_port: int = field(
        default=0,
        metadata=_knob(
            "ERGOSCOPE_METRICS_PORT",
            "TCP port on which a process gives its own figures for Prometheus, and the next ones where several share "
            "a port; whoever reaches it reads them. 0 is none.",
        ),
    )
    page: bool = field(default=True, metadata=_knob("ERGOSCOPE_PAGE", "Serve the page beside the API (1 or 0)."))

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise SettingsError(f"port is {self.port}; it must lie between 0 and 65535")
        if self.redis_url and not self.redis_url.startswith(REDIS):
            shown = self.redis_url.rpartition("@")[2]  # without a password
            raise SettingsError(f"redis_url is {shown!r}; it must begin with one of {', '.join(REDIS)}")
        if self.unfolded_mb < 1:
            raise SettingsError(f"unfolded_mb is {self.unfolded_mb}; it must be at least 1")
        if not _PREFIX.fullmatch(self.redis_prefix):
            raise SettingsError(
                f"redis_prefix is {self.redis_prefix!r}; allowed: 1 to 64 letters, digits, '.', '_', '-' and ':'"
            )
        for name in ("run_series", "run_rate", "project_runs"):
            if getattr(self, name) < 0:
                raise SettingsError(f"{name} is {getattr(self, name)}; it must be at least 0, which is no limit")
        if self.workers < 1:
            raise SettingsError(f"workers is {self.workers}; it must be at least 1")
        if self.log_format not in FORMS:
            raise SettingsError(f"log_format is {self.log_format!r}; allowed: {', '.join(FORMS)}")
        if self.log_level not in LEVELS:
            raise SettingsError(f"log_level is {self.log_level!r}; allowed: {', '.join(LEVELS)}")
        if not 0 <= self.metrics_port <= 65535 - self.workers:
            raise SettingsError(
                f"metrics_port is {self.metrics_port}; it must lie between 0 and {65535 - self.workers}, one for each "
                "process"
            )
        if self.access not in ACCESS:
            raise SettingsError(f"access is {self.access!r}; allowed: {', '.join(ACCESS)}")
        self._check_provider()
        for url in self.public_urls:
            if not url.startswith(("http://", "https://")) or not _host(url):
                raise SettingsError(
                    f"public_url is {url!r}; it must be an address such as https://ergoscope.example.org"
                )

    def _check_provider(self) -> None:
        if self.oidc_role not in FIRST_ROLES:
            raise SettingsError(f"oidc_role is {self.oidc_role!r}; allowed: {', '.join(FIRST_ROLES)}")
        if not self.oidc_issuer:
            return
        plain = self.oidc_issuer.startswith("http://") and _host(self.oidc_issuer) in ("127.0.0.1", "localhost", "::1")
        if not _host(self.oidc_issuer) or not (plain or self.oidc_issuer.startswith("https://")):
            raise SettingsError(
                f"oidc_issuer is {self.oidc_issuer!r}; it must be an address such as https://login.example.org"
            )
        for name in ("oidc_client_id", "oidc_client_secret"):
            if not getattr(self, name):
                raise SettingsError(f"{name} is empty; the provider gives one to each service that it knows")

    @property
    def directory(self) -> Path:
        """The data directory, with ~ replaced."""
        return self.data_dir.expanduser()

    @property
    def store_url(self) -> str:
        """The database that is used."""
        return self.database_url or f"sqlite:///{self.directory / 'ergoscope.db'}"

    @property
    def local(self) -> bool:
        """Whether only this machine can reach the service."""
        return self.host in ("127.0.0.1", "::1", "localhost")

    @property
    def open_to_all(self) -> bool:
        """Whether nobody is asked who they are."""
        return self.access == "open" or (self.access == "auto" and self.local and not self.public_url)

    @property
    def public_urls(self) -> list[str]:
        """Where people reach the service, without a slash at the end."""
        return [url.strip().rstrip("/") for url in self.public_url.split(",") if url.strip()]

    @property
    def provider_name(self) -> str:
        """What people log in with beside passwords; empty where there is nothing."""
        return (self.oidc_name or _host(self.oidc_issuer)) if self.oidc_issuer else ""

    @property
    def public_bases(self) -> dict[str, str]:
        """The addresses by what they are called."""
        return {_host(url): url for url in self.public_urls}

    @property
    def https_names(self) -> list[str]:
        """Under which of these names it is reached by TLS."""
        return [_host(url) for url in self.public_urls if url.startswith("https://")]

    @property
    def public_names(self) -> list[str]:
        """What the service is called by people."""
        return [_host(url) for url in self.public_urls]

    @property
    def names(self) -> list[str]:
        """What it answers to beside loopback's names, the address it listens on among them; none means any."""
        listened = [] if self.host in EVERY_ADDRESS else [self.host.lower()]  # by which its own page reaches it
        return [*self.public_names, *listened] if self.public_urls else []


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
