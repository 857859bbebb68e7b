"""What a page has asked, and how its answer is made of it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...errors import PiximiError
from .packing import unpack_ids

Answer = tuple[dict[str, Any], Sequence[bytes]]


@dataclass(frozen=True)
class Question:
    """A message of a page.

    Attributes
    ----------
    id : str
    content : dict
    buffers : sequence of bytes
    cancelled : threading.Event
        Set when nobody waits for the answer any more.
    """

    id: str
    content: dict[str, Any]
    buffers: Sequence[bytes]
    cancelled: threading.Event = field(default_factory=threading.Event)

    def whole(self, name: str) -> int:
        """A whole number from 0."""
        return checked_whole(self.content.get(name), name)

    def text(self, name: str) -> str:
        """A text."""
        value = self.content.get(name)
        if not isinstance(value, str):
            raise PiximiError(f"The page sent {value!r:.60} for {name}, which is a text. Reload the page.")
        return value

    def ids(self) -> np.ndarray:
        """The images that the question is about."""
        if not self.buffers:
            raise PiximiError("The page named no images. Reload the page.")
        return unpack_ids(self.buffers[0])


@dataclass
class _Open:
    cancelled: threading.Event
    done: int = 0
    total: int = 0


class OpenQuestions:
    """The questions that take long, while they have no answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._questions: dict[str, _Open] = {}

    def begin(self, id: str) -> threading.Event | None:
        """What says that the question is cancelled; None where it is open already, because it was asked twice."""
        with self._lock:
            if id in self._questions:
                return None
            self._questions[id] = _Open(threading.Event())
            return self._questions[id].cancelled

    def end(self, id: str) -> None:
        """The question has its answer."""
        with self._lock:
            self._questions.pop(id, None)

    def cancel(self, id: str) -> None:
        """Nobody waits for this answer any more."""
        with self._lock:
            if id in self._questions:
                self._questions[id].cancelled.set()

    def note(self, id: str, done: int, total: int) -> None:
        """So much of the answer is there."""
        with self._lock:
            if id in self._questions:
                self._questions[id].done, self._questions[id].total = done, total

    def progress(self, id: str) -> dict[str, Any]:
        """What a page is told that asks again; a total of 0 stands for work that has not begun, or has no parts."""
        with self._lock:
            known = self._questions.get(id, _Open(threading.Event()))
            return {"kind": "progress", "question": id, "done": known.done, "total": known.total}

    def close(self) -> None:
        """Nobody waits for any answer."""
        with self._lock:
            for question in self._questions.values():
                question.cancelled.set()


def checked_whole(value: Any, name: str) -> int:
    """A whole number from 0 that the page sent for `name`.

    Raises
    ------
    PiximiError
        If it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise PiximiError(
            f"The page sent {value!r:.60} for {name}, which is a whole number from 0. Reload the page."
        )
    return value


def sentence(error: Exception) -> str:
    """What a page shows of an error."""
    return str(error) if isinstance(error, PiximiError) else f"{type(error).__name__}: {error}"
