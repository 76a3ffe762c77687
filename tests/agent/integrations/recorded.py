"""What a server was sent, by step: rows of different columns arrive apart from each other."""

from tests.agent.fake_server import FakeServer


def steps(server: FakeServer, key: str) -> list[int]:
    """The steps at which a key has a value."""
    return [step for step, _ in sorted(server.points(key))]


def values(server: FakeServer, key: str) -> list[float]:
    """Its values, by step."""
    return [value for _, value in sorted(server.points(key))]
