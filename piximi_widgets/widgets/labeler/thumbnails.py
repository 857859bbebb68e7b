"""Thumbnails for what a page shows, made beside everything else and dropped when the page has moved on."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

logger = logging.getLogger(__name__)

THREADS = 2
# A page fills steadily with answers of this size, and the server sees few messages.
BATCH = 20
LONGEST_WAIT = 0.06

Send = Callable[[dict[str, Any], Sequence[bytes]], None]


@dataclass
class _Question:
    id: str
    size: int
    waiting: deque[int]
    open: int
    pictures: list[tuple[int, bytes]] = field(default_factory=list)
    failures: dict[int, str] = field(default_factory=dict)
    answered: float = field(default_factory=time.monotonic)


class ThumbnailPool:
    """Answers questions for thumbnails in the order in which they came, a few pictures at a time.

    Parameters
    ----------
    thumbnail : callable
        Gives the PNG bytes of an image id at a size.
    name : callable
        Gives the name of an image id.
    send : callable
        Gets each answer: its content and one PNG for each of the content's ``ids``.
    """

    def __init__(
        self, thumbnail: Callable[[int, int], bytes], name: Callable[[int], str], send: Send
    ) -> None:
        self._thumbnail = thumbnail
        self._name = name
        self._send = send
        self._lock = threading.Lock()
        self._questions: dict[str, _Question] = {}
        self._threads = 0
        self._closed = False

    def ask(self, question: str, ids: list[int], size: int) -> None:
        """Make the thumbnails of these images, unless `cancel` comes first."""
        with self._lock:
            if self._closed or not ids or question in self._questions:
                return
            self._questions[question] = _Question(question, size, deque(ids), len(ids))
            missing = min(THREADS - self._threads, len(ids))
            self._threads += max(missing, 0)
        for _ in range(missing):
            threading.Thread(target=self._run, name="piximi-thumbnails", daemon=True).start()

    def cancel(self, question: str) -> None:
        """Make no more thumbnails for this question."""
        with self._lock:
            self._questions.pop(question, None)

    def close(self) -> None:
        """Forget all questions; the threads end with the picture that they are making."""
        with self._lock:
            self._closed = True
            self._questions.clear()

    def _run(self) -> None:
        while True:
            with self._lock:
                question = next((each for each in self._questions.values() if each.waiting), None)
                if question is None:
                    self._threads -= 1
                    return
                image_id = question.waiting.popleft()
            picture, failure = b"", ""
            try:
                picture = self._thumbnail(image_id, question.size)
            except Exception as error:
                # One unreadable file must not empty the grid: its tile shows the reason.
                failure = str(error) or type(error).__name__
            self._collect(question, image_id, picture, failure)

    def _collect(self, question: _Question, image_id: int, picture: bytes, failure: str) -> None:
        with self._lock:
            question.open -= 1
            if question.id not in self._questions:
                return
            if failure:
                question.failures[image_id] = failure
            else:
                question.pictures.append((image_id, picture))
            ready = len(question.pictures) + len(question.failures)
            late = time.monotonic() - question.answered > LONGEST_WAIT
            if question.open and ready < BATCH and not late:
                return
            pictures, question.pictures = question.pictures, []
            failures, question.failures = question.failures, {}
            question.answered = time.monotonic()
            if not question.open:
                del self._questions[question.id]
        ids = [each for each, _ in pictures]
        try:
            names = {each: self._name(each) for each in [*ids, *failures]}
        except Exception:
            # The page calls them by their numbers then; pictures matter more.
            logger.warning("The names of images could not be read", exc_info=True)
            names = {}
        content = {
            "id": question.id,
            "kind": "thumbnails",
            "ids": ids,
            "size": question.size,
            "names": names,
            "failures": failures,
        }
        self._send(content, [png for _, png in pictures])
