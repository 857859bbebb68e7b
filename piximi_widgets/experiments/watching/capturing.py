"""What a person's own training prints, brought into the telemetry and still onto the screen."""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
import time
import warnings
from typing import TYPE_CHECKING, Any

from ...errors import PiximiError

if TYPE_CHECKING:
    from ..experiment import Experiment

# A progress bar writes itself anew many times a second; what it showed in between nobody has seen.
_SECONDS_BETWEEN_PROGRESS = 0.1


class Capture:
    """Puts itself before ``sys.stdout`` and ``sys.stderr`` while the ``with`` block runs. See ``Telemetry.capture``."""

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment
        self._streams: dict[str, _Tee] = {}

    def __enter__(self) -> Capture:
        if self._streams:
            raise RuntimeError("This capture was entered already; call capture() again for another one.")
        self._experiment.store.check_writable()
        for name in ("stdout", "stderr"):
            tee = _Tee(getattr(sys, name), self._experiment, name)
            self._streams[name] = tee
            setattr(sys, name, tee)
        return self

    def __exit__(self, *_: object) -> None:
        for name, tee in self._streams.items():
            # Somebody else may have put a stream of theirs before ours meanwhile; ours then only passes on.
            if getattr(sys, name) is tee:
                setattr(sys, name, tee.screen)
            tee.end()


class _Tee:
    """A text stream that passes everything on, and brings whole lines into the telemetry."""

    def __init__(self, screen: Any, experiment: Experiment, stream: str) -> None:
        self.screen = screen
        self._experiment = experiment
        self._stream = stream
        self._lock = threading.RLock()
        self._rest: list[str] = []
        self._progress = ""
        self._shown = 0.0
        self._busy = False
        self._process = os.getpid()
        self._open = True

    def write(self, text: str) -> int:
        # None: a Windows program without a console
        count = len(text) if self.screen is None else self.screen.write(text)
        with self._lock:
            # Busy: what the store itself says while it writes. A forked child leaves the record to its parent.
            if self._open and not self._busy and os.getpid() == self._process:
                self._take(text)
        return len(text) if count is None else count

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if self.screen is not None:
            self.screen.flush()

    def end(self) -> None:
        """Bring what is left into the telemetry; from here on only pass on."""
        with self._lock:
            if self._open:
                self._append([part for part in (self._progress, "".join(self._rest)) if part])
            self._open = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.screen, name)

    def _take(self, text: str) -> None:
        # Keras goes back to the beginning of a line with backspaces, and then writes a return too.
        text = text.replace("\b", "")
        ended = bool(self._rest) and self._rest[-1].endswith("\r")
        if text:
            self._rest.append(text)
        if not ended and "\n" not in text and "\r" not in text:
            # one dot a step: the line is put together once, at its end
            return
        lines, rest = _split("".join(self._rest))
        self._rest = [rest] if rest else []
        if not lines:
            return
        if all(line.endswith("\r") for line in lines):
            moment = time.monotonic()
            if moment - self._shown < _SECONDS_BETWEEN_PROGRESS:
                self._progress = lines[-1]
                return
            self._shown = moment
        elif self._progress:
            lines.insert(0, self._progress)
        self._progress = ""
        self._append(lines)

    def _append(self, lines: list[str]) -> None:
        if not lines:
            return
        self._busy = True
        try:
            self._experiment.telemetry.append(lines, stream=self._stream)
        except (PiximiError, sqlite3.Error, UnicodeError) as error:
            self._open = False
            warnings.warn(f"What is printed no longer goes into the telemetry: {error}", stacklevel=4)
        finally:
            self._busy = False


def _split(text: str) -> tuple[list[str], str]:
    r"""Whole lines, those of progress with the ``\r`` at their end, and the rest."""
    pieces = text.replace("\r\n", "\n").split("\n")
    lines = pieces[:-1]
    before, mark, rest = pieces[-1].rpartition("\r")
    # A return may be the first half of a line's end; where more follows, it was progress.
    if mark and rest:
        return [*lines, before + mark], rest
    return lines, pieces[-1]
