"""Several processes of one kind under one parent: those that die are started again, and all stop with it."""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from threading import Thread
from types import FrameType

SOON_S = 1.0  # a process that dies sooner is not started again at once
STOP_S = 15.0  # that a process may take to stop
_spawn = multiprocessing.get_context("spawn")  # as a fork would copy threads' locks


class Processes:
    """Keeps so many processes running."""

    def __init__(self, target: Callable[..., None], arguments: tuple[object, ...], *, count: int) -> None:
        """Prepare; `run` starts.

        Args:
            target: A function of a module, which returns when it gets SIGTERM.
            arguments: What it is called with, before its number among them; they must survive being sent to another
                process.
            count: How many.
        """
        self._target, self._arguments, self._count = target, arguments, count
        self._stopping = False

    def run(self) -> int:
        """Run until a signal comes; give the exit status."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        running = [self._start(number) for number in range(self._count)]
        while not self._stopping:
            time.sleep(0.2)
            for i, process in enumerate(running):
                if not self._stopping and not process.is_alive():
                    print(
                        f"ergoscope: process {process.pid} ended with {process.exitcode}; starting another",
                        file=sys.stderr,
                        flush=True,
                    )
                    time.sleep(SOON_S)
                    running[i] = self._start(i)
        for process in running:
            if process.is_alive():
                process.terminate()
        for process in running:
            process.join(STOP_S)
            if process.is_alive():
                process.kill()
        return 0

    def _start(self, number: int) -> BaseProcess:
        process = _spawn.Process(target=_child, args=(self._target, (*self._arguments, number)))
        process.start()
        return process

    def _stop(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 (the signal handler's signature)
        self._stopping = True


def _child(target: Callable[..., None], arguments: tuple[object, ...]) -> None:
    """Be one of the processes; end with the parent, even where that is killed.

    A group of its own keeps Ctrl-C from it: the parent sends a signal too, and the second one waits for nobody.
    """
    os.setpgrp()
    Thread(target=_end_with_parent, name="ergoscope-orphan", daemon=True).start()
    target(*arguments)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
