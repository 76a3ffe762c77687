"""The sidecar as the job sees it: started, looked after, waited for."""

import os
import site
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ergoscope.process import lives
from ergoscope.stream.ring import BARRED, ReaderState, Ring, ServerState, Word
from ergoscope.voice import Voice

LOG = "sidecar.log"
START_S = 5.0  # that a sidecar may take to say that it reads
POLL_S = 0.005
AGAIN_S = 5.0  # until a sidecar that died is replaced a second time; doubles each time
AGAIN_AT_MOST_S = 300.0


class Companion:
    """Starts a sidecar for a folder, and reads from the ring's header how far it is."""

    def __init__(self, folder: Path, ring: Ring, *, api_key: str) -> None:
        self._folder, self._ring, self._api_key = folder, ring, api_key
        self._pid = 0
        self._started = 0.0
        self._again_at, self._again_s = 0.0, AGAIN_S

    def start(self) -> str:
        """Start it.

        Returns:
            Why that was not possible; empty when it was.
        """
        environment = {**os.environ, **_paths(os.environ)}
        if self._api_key:
            environment["ERGOSCOPE_API_KEY"] = self._api_key
        # -P: no module of the job's folder may pose as one of ours; -W: the job's own strictness is not the sidecar's.
        command = [sys.executable, "-P", "-W", "ignore", "-m", "ergoscope.sidecar", str(self._folder.absolute())]
        try:
            with (self._folder / LOG).open("ab") as log:
                process = subprocess.Popen(
                    command,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        except OSError as error:
            return f"{sys.executable} cannot be started: {error}"
        self._pid, self._started = process.pid, time.monotonic()
        process.returncode = 0  # it is meant to outlive us, which Popen would warn of
        return ""

    @property
    def alive(self) -> bool:
        """Whether it is there, or may still be on its way up."""
        if not self._pid:
            return False
        try:
            return os.waitpid(self._pid, os.WNOHANG) == (0, 0)
        except ChildProcessError:  # somebody else waits for all children
            return lives(self._pid, 0)

    def tend(self, tell: Callable[[str], None], voice: Voice) -> None:
        """Replace the sidecar when it is gone, in a thread of its own and less and less often; quick.

        Args:
            tell: Takes a sentence, in that thread.
            voice: Says when the server does not let the job in, or has deleted its run.
        """
        self.say_barred(voice)
        if self._ring.words[Word.SERVER] == ServerState.DROPS:
            voice.once(
                "deleted", "this run was deleted at the server; nothing more of it is kept, and the training goes on"
            )
        now = time.monotonic()
        if not self._pid or now < self._again_at or self.alive:
            return
        self._again_at, self._again_s = now + self._again_s, min(2 * self._again_s, AGAIN_AT_MOST_S)
        threading.Thread(target=self._replace, args=(tell,), name="ergoscope-restart", daemon=True).start()

    def _replace(self, tell: Callable[[str], None]) -> None:
        trouble = self.start()
        if trouble:
            tell(f"the sidecar is gone, and another cannot be had: {trouble}; rows are kept as long as there is room")
        else:
            tell("the sidecar was gone; another one took over, nothing that it had not sent is lost")

    @property
    def state(self) -> ReaderState:
        """How far it is."""
        return ReaderState(self._ring.words[Word.READER_STATE])

    @property
    def answered(self) -> bool | None:
        """Whether there is a server that takes batches; None when that is not known yet."""
        state = ServerState(self._ring.words[Word.SERVER])
        return None if state is ServerState.UNKNOWN else state in (ServerState.TAKES, ServerState.DROPS)

    def say_barred(self, voice: Voice) -> bool:
        """Say once why the server does not let the job in, where it does not; say whether that is so."""
        if self._ring.words[Word.SERVER] != ServerState.BARS:
            return False
        try:
            reason = (self._folder / BARRED).read_text(encoding="utf-8")
        except OSError:
            reason = "the server does not let this job in"
        voice.once(
            "barred",
            f"{reason}. Nothing is lost: it is kept in {self._folder}, and sent once the server takes it; with another "
            f"token, ERGOSCOPE_API_KEY=TOKEN ergoscope sync {self._folder}",
        )
        return True

    def wait_for_answer(self, seconds: float) -> bool | None:
        """Wait until it is known whether the server answers, at most this long."""
        deadline = time.monotonic() + seconds
        while self.answered is None and time.monotonic() < deadline and self.alive:
            time.sleep(POLL_S)
        return self.answered

    def wait_for_end(self, seconds: float, *, online: bool) -> ReaderState:
        """Wait until the sidecar has everything on disk and, while the server answers, delivered.

        A sidecar that died is replaced once: what it left in ring and spool is taken up by the next.
        """
        deadline = time.monotonic() + seconds
        replaced = False
        while time.monotonic() < deadline:
            state = self.state
            if state == ReaderState.DELIVERED or (
                state == ReaderState.SPOOLED and (not online or self.answered is False)
            ):
                break
            if not self.alive:
                if replaced or self.state != state:
                    break
                replaced = True
                if self.start():
                    break
            time.sleep(POLL_S)
        return self.state


def _paths(environment: Mapping[str, str]) -> dict[str, str]:
    """Say where the sidecar finds us, when it would not by itself."""
    import ergoscope
    import ergoscope_contract

    roots = [str(Path(module.__path__[0]).parent) for module in (ergoscope, ergoscope_contract)]
    known = {*site.getsitepackages(), site.getusersitepackages()}
    ours = [root for root in dict.fromkeys(roots) if root not in known]
    given = environment.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join([*ours, *([given] if given else [])])} if ours else {}
