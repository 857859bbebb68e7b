"""Whether a call of Keras' ``fit`` still runs: it tells callbacks that it has ended, but not that it has failed."""

from __future__ import annotations

import sys
import threading
from types import FrameType, TracebackType


class RunningFit:
    """The call of ``fit`` that the making thread is in.

    Attributes
    ----------
    is_known : bool
        False in a loop that calls callbacks itself, of which nobody can say when it ends.
    """

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and not _is_fit(frame):
            frame = frame.f_back
        self._frame = frame
        # Keras takes its own frames out of a traceback; who called it is still there.
        caller = frame
        while caller is not None and _is_of_keras(caller):
            caller = caller.f_back
        self._caller = caller
        self.is_known = frame is not None

    def is_running(self) -> bool:
        """Whether the call is on the stack of its thread."""
        frame = sys._current_frames().get(self._thread)
        while frame is not None and frame is not self._frame:
            frame = frame.f_back
        return frame is not None

    def error(self) -> BaseException | None:
        """The exception that ended it, where nobody caught it and Python still knows it."""
        error = getattr(sys, "last_value", None)
        trace: TracebackType | None = getattr(error, "__traceback__", None)
        while trace is not None:
            if trace.tb_frame is self._frame or trace.tb_frame is self._caller:
                return error
            trace = trace.tb_next
        return None

    def forget(self) -> None:
        """Let go of the frame, which holds the data of the training."""
        self._frame = self._caller = None


def _is_fit(frame: FrameType) -> bool:
    return frame.f_code.co_name == "fit" and _is_of_keras(frame)


def _is_of_keras(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).startswith("keras.")
