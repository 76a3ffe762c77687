"""What of the page can be set."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Every knob of the page.

    server_url: where the service's REST interface answers.
    timeout_s: how long one question to the service may take.
    buckets: stretches of steps a chart is cut into; more than a chart has pixels is waste.
    columns: columns of a heat map.
    runs_shown: newest runs on the list, of all or of those that match; runs_searched: through so many a search looks.
    recent_steps: how far back "now" reaches in the table of layers.
    """

    server_url: str
    timeout_s: float = 10.0
    buckets: int = 500
    columns: int = 190
    runs_shown: int = 200
    runs_searched: int = 10_000
    recent_steps: int = 2_000
