"""What holds for all tests: examples are judged by what they show, never by how long a busy machine took over them, and
what is skipped for one reason is one line."""

from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Give the place that found something missing, not that of each test that needs it: the summary counts these."""
    report = yield
    if call.excinfo is not None and isinstance(report.longrepr, tuple):
        ours = [entry for entry in call.excinfo.traceback if Path(__file__).parent in Path(entry.path).parents]
        if ours:
            report.longrepr = (str(ours[-1].path), ours[-1].lineno + 1, report.longrepr[2])
    return report
