"""Whether the job's script ran to its end, as told by its outermost frame."""

import dis
import sys
import threading
from types import FrameType, TracebackType


class Script:
    """The outermost code of the main thread. Its frame is kept: of a script, that keeps no more than its globals."""

    def __init__(self) -> None:
        frame = sys._current_frames().get(threading.main_thread().ident or 0)
        while frame is not None and frame.f_back is not None:
            frame = frame.f_back
        self._frame = frame

    @property
    def broken_off(self) -> bool:
        """Whether it has ended by an exception, of whatever kind."""
        frame = self._frame
        if frame is None or frame.f_lasti < 0 or _runs(frame):
            return False
        return not dis.opname[frame.f_code.co_code[frame.f_lasti]].startswith("RETURN_")

    def is_left_by(self, trace: TracebackType | None) -> bool:
        """Say whether an exception with this traceback went through all of it."""
        return trace is not None and trace.tb_frame is self._frame


def _runs(wanted: FrameType) -> bool:
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame is not wanted:
        frame = frame.f_back
    return frame is not None
