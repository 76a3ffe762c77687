"""Figures on a port of their own."""

import socket

import pytest
import urllib3

from ergoscope_server.gauges import Gauges
from ergoscope_server.scraping import giving_figures
from ergoscope_server.serving import AddressError, listen


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_they_are_given_while_it_lasts() -> None:
    gauges, port = Gauges(), _free()
    gauges.values.inc(5)

    with giving_figures(gauges, "127.0.0.1", port):
        answer = urllib3.request("GET", f"http://127.0.0.1:{port}/metrics", retries=False)

    assert (answer.status, b"ergoscope_values_total 5.0" in answer.data) == (200, True)
    with pytest.raises(urllib3.exceptions.NewConnectionError):
        urllib3.request("GET", f"http://127.0.0.1:{port}/metrics", retries=False)


def test_without_a_port_there_are_none() -> None:
    with giving_figures(Gauges(), "127.0.0.1", 0):
        pass


def test_a_port_that_is_taken_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        text = rf"cannot give figures on 127\.0\.0\.1:{port}: .*; choose another port with ERGOSCOPE_METRICS_PORT, or 0"
        with pytest.raises(AddressError, match=text), giving_figures(Gauges(), "127.0.0.1", port):
            pass
        with giving_figures(Gauges(), "127.0.0.1", port, must=False):
            assert f"cannot give figures on 127.0.0.1:{port}" in caplog.text
