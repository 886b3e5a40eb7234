"""Signals of a running pipeline: end, end at once, read mappings anew."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Any, Self

AT_ONCE = 130
"""The exit code of a pipeline that was told to end twice, as of any program that Ctrl-C ended."""


class Signals:
    """While its context lasts, SIGTERM and SIGINT set `stop`, a second one ends the process, SIGHUP sets `reload`.

    Only the main thread may hold it; elsewhere it does nothing.
    """

    def __init__(self, stop: threading.Event, reload: threading.Event) -> None:
        """Take the two events."""
        self._stop, self._reload = stop, reload
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._end)
            self._before[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._renew)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        if self._stop.is_set():
            os._exit(AT_ONCE)  # threads in the middle of a commit cannot be asked; the lake is safe at any point
        self._stop.set()

    def _renew(self, _number: int, _frame: FrameType | None) -> None:
        self._reload.set()
