"""What the agent says to the person at the terminal: little, and each thing once."""

import contextlib
import sys


class Voice:
    """Lines on standard error; none when silent. Never raises: a closed terminal is not the training's trouble."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent
        self._said: set[str] = set()

    def say(self, text: str) -> None:
        """Say a line."""
        if self._silent:
            return
        with contextlib.suppress(Exception):
            sys.stderr.write(f"ergoscope: {text}\n")
            sys.stderr.flush()

    def once(self, topic: str, text: str) -> bool:
        """Say a line unless one of its topic was said before.

        Returns:
            Whether it was the first of its topic.
        """
        if topic in self._said:
            return False
        self._said.add(topic)
        self.say(text)
        return True
