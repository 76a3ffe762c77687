"""Where a service is said to be, to its own page and to people."""

import socket

import pytest

from ergoscope_server.cli import reach
from ergoscope_server.cli.reach import from_elsewhere, from_here
from ergoscope_server.settings import Settings


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:5"),
        ("localhost", "http://localhost:5"),
        ("::1", "http://[::1]:5"),
        ("10.0.0.7", "http://10.0.0.7:5"),
        ("gpu-box", "http://gpu-box:5"),
    ],
)
def test_one_address_is_the_same_from_here_and_from_elsewhere(host: str, address: str) -> None:
    assert from_here(host, 5) == from_elsewhere(Settings(host=host), 5) == address


@pytest.mark.parametrize(("host", "here"), [("0.0.0.0", "http://127.0.0.1:5"), ("::", "http://[::1]:5")])
def test_every_address_of_a_machine_is_loopback_from_here_and_the_machines_from_elsewhere(host: str, here: str) -> None:
    assert from_here(host, 5) == here
    said = from_elsewhere(Settings(host=host), 5)
    assert "0.0.0.0" not in said
    assert "[::]" not in said


def test_a_machine_without_a_way_to_anywhere_is_called_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "_ELSEWHERE", ())

    assert from_elsewhere(Settings(host="0.0.0.0"), 5) == f"http://{socket.gethostname()}:5"


def test_where_a_public_address_is_named_others_are_told_that_one() -> None:
    settings = Settings(host="0.0.0.0", public_url="https://ergo.example.org,http://other")

    assert from_elsewhere(settings, 5) == "https://ergo.example.org"
    assert from_elsewhere(Settings(public_url="https://ergo.example.org"), 5) == "http://127.0.0.1:5"
