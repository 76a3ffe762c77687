"""The `ergoscope` command: finds its commands by name and hands over."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol

from ergoscope.errors import ErgoscopeError

GROUP = "ergoscope.commands"
NEEDS_ROLE = {"ergoscope_server": "server", "ergoscope_ui": "server", "ergoscope": "demo"}


class Command(Protocol):
    """One command: its docstring is its help."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        ...

    def run(self, args: argparse.Namespace) -> int:
        """Do it, and give the exit status."""
        ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that is named first; 2 when that cannot be done, with one line that says why."""
    words = list(sys.argv[1:] if argv is None else argv)
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    name = words[0] if words else "--help"
    if name in {"-h", "--help", "help"}:
        print(overview(found))
        return 0
    if name not in found:
        return _refuse(f"there is no command {name!r}; there are: {', '.join(sorted(found))}")
    try:
        command = load(found[name])
        parser = argparse.ArgumentParser(prog=f"ergoscope {name}", description=command.__doc__)
        command.arguments(parser)
        return command.run(parser.parse_args(words[1:]))
    except ErgoscopeError as error:
        return _refuse(str(error))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        sys.stdout = None
        return 0


def load(entry: EntryPoint) -> Command:
    """Import a command.

    Raises:
        ErgoscopeError: something that it needs is not installed.
    """
    try:
        command: Command = entry.load()()
    except ImportError as error:
        role = NEEDS_ROLE.get(entry.module.partition(".")[0], "server")
        raise ErgoscopeError(
            f"`ergoscope {entry.name}` needs {error.name or error}, which is not installed; "
            f"install it: pip install 'ergoscope[{role}]'"
        ) from None
    return command


def overview(found: dict[str, EntryPoint]) -> str:
    """List the commands with the first line of their help."""
    lines = ["usage: ergoscope COMMAND ...", "", "Watch PyTorch jobs while they run.", ""]
    for name in sorted(found):
        try:
            about = (load(found[name]).__doc__ or "").strip().partition("\n")[0]
        except ErgoscopeError as error:
            about = str(error)
        lines.append(f"  {name:10} {about}")
    return "\n".join([*lines, "", "ergoscope COMMAND --help says more."])


def _refuse(text: str) -> int:
    print(f"ergoscope: {text}", file=sys.stderr)
    return 2
