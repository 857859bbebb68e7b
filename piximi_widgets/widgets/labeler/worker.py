"""Work in the order in which it was handed in, on a thread that lives while there is some."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

logger = logging.getLogger(__name__)


class Worker:
    """Runs jobs one after another, away from the thread that handles a page's messages.

    Widgets are never forgotten by ipywidgets, so that a thread which waited for work would outlive a notebook's use of
    its widget: this one ends with the last job, and the next job starts another.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._jobs: deque[Callable[[], None]] = deque()
        self._running = False
        self._closed = False

    def submit(self, job: Callable[[], None]) -> None:
        """Run `job` after those handed in before; nothing happens once closed."""
        with self._lock:
            if self._closed:
                return
            self._jobs.append(job)
            if self._running:
                return
            self._running = True
        threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def close(self) -> None:
        """Forget the jobs that have not started."""
        with self._lock:
            self._closed = True
            self._jobs.clear()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._jobs:
                    self._running = False
                    return
                job = self._jobs.popleft()
            try:
                job()
            except Exception:
                # A job answers its own errors; this one could not even do that, and the next must still run.
                logger.exception("A labeler's job failed")
