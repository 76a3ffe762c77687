"""ergoscope doctor"""

import argparse
import os
from collections.abc import Iterable
from importlib.metadata import entry_points
from typing import Protocol

from ergoscope.cli.examining import Finding, State, examine_machine, examine_server
from ergoscope.cli.reading import print_json
from ergoscope.errors import ErgoscopeError, SettingError
from ergoscope.settings import Settings

GROUP = "ergoscope.examinations"  # packages never import each other: the service's is found by its name here


class Examination(Protocol):
    """What another role looks at."""

    def examine(self) -> Iterable[tuple[str, State, str, str]]:
        """Give name, state, what was seen, and what to do."""
        ...


class Doctor:
    """Look whether jobs here can be watched; with --server whether a service can run here. 1 when something fails."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--server", action="store_true", help="look at the service that the environment describes, not at jobs"
        )
        parser.add_argument(
            "--base-url", metavar="URL", help="the server that jobs report to (default: ERGOSCOPE_BASE_URL)"
        )
        parser.add_argument("--json", action="store_true", help="print JSON for scripts")

    def run(self, args: argparse.Namespace) -> int:
        """Look, and print what was found."""
        found = examine_service() if args.server else examine_jobs(args.base_url)
        if args.json:
            print_json([{"name": f.name, "state": f.state, "said": f.said, "todo": f.todo} for f in found])
        else:
            for line in described(found):
                print(line)
        return 1 if any(finding.state == "fail" for finding in found) else 0


def examine_jobs(base_url: str | None) -> list[Finding]:
    """Look at what a job needs."""
    try:
        settings = Settings.read(os.environ, base_url=base_url)
    except SettingError as error:
        return [Finding("settings", "fail", str(error), "mend the variable, or unset it")]
    return [*examine_machine(settings), *examine_server(settings)]


def examine_service() -> list[Finding]:
    """Look at what a service needs.

    Raises:
        ErgoscopeError: it is not installed.
    """
    try:
        for entry in entry_points(group=GROUP):
            examination: Examination = entry.load()()
            return [Finding(*parts) for parts in examination.examine()]
    except ImportError as error:
        raise ErgoscopeError(
            f"`ergoscope doctor --server` needs {error.name or error}, which is not installed; "
            "install it: pip install 'ergoscope[server]'"
        ) from None
    raise ErgoscopeError("the service is not installed; install it: pip install 'ergoscope[server]'")


def described(found: list[Finding]) -> list[str]:
    """Say it in lines, what to do below what is wrong.

    Example:
        >>> described([Finding("torch", "ok", "2.9"), Finding("token", "fail", "refused", "make a new one")])
        ['ok    torch  2.9', 'fail  token  refused', '             make a new one']
    """
    width = max(len(finding.name) for finding in found)
    lines = []
    for finding in found:
        lines.append(f"{finding.state:<5} {finding.name:<{width}}  {finding.said}")
        if finding.todo:
            lines.append(" " * (width + 8) + finding.todo)
    return lines
