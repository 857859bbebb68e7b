"""One thread that draws a widget: the only one that writes the traits of its children.

Callbacks arrive on comm threads, on the pollers of two databases and from the widget's own work.
ipywidgets has no locks, so none of them writes a trait: they ask for a redraw, and this thread does it,
coalesced and at a bounded rate, because a server drops comm messages that come too fast.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable

Failed = Callable[[BaseException], None]


class Refresher:
    """Calls `draw` on a thread of its own, whenever it is asked to.

    Parameters
    ----------
    draw : callable
        Reads what is to be shown and writes the traits.
    failed : callable
        Gets the exception of a `draw` or of an action, on the same thread: it shows it in the widget.
    name : str
        The thread's name.
    per_second : float
        The most redraws in a second. The first of a burst is drawn at once, the last always.
    """

    def __init__(
        self, draw: Callable[[], None], failed: Failed, *, name: str, per_second: float = 5.0
    ) -> None:
        self._draw = draw
        self._failed = failed
        self._name = name
        self._interval = 1.0 / per_second
        self._state = threading.Condition()
        self._actions: deque[tuple[Callable[[], None], Failed]] = deque()
        self._requested = 0
        self._drawn = 0
        self._every: float | None = None
        self._active = True
        self._closed = False
        self._thread: threading.Thread | None = None

    def request(self) -> None:
        """Ask for a redraw; returns at once, from any thread."""
        with self._state:
            self._requested += 1
            self._wake()

    def do(self, action: Callable[[], None], failed: Failed | None = None) -> None:
        """Run `action` on the drawing thread, in order, and redraw after it.

        `failed` gets its exception; by default the one that gets those of `draw`.
        """
        with self._state:
            self._actions.append((action, failed or self._failed))
            self._requested += 1
            self._wake()

    def every(self, seconds: float | None) -> None:
        """Redraw also when nothing was asked for: a clock that ticks. None stops it."""
        with self._state:
            if self._every != seconds:
                self._every = seconds
                self._wake()

    @property
    def active(self) -> bool:
        """False: requests are kept, and drawn once it is active again. For what nobody sees."""
        return self._active

    @active.setter
    def active(self, value: bool) -> None:
        with self._state:
            self._active = value
            self._wake()

    def flush(self, timeout: float = 10.0) -> bool:
        """Wait until all that was asked for until now is drawn; False when `timeout` seconds were not enough."""
        with self._state:
            if self._thread is threading.current_thread():
                return False
            target = self._requested
            self._state.wait_for(lambda: self._drawn >= target or self._closed or not self._active, timeout)
            return self._drawn >= target

    def close(self) -> None:
        """End the thread; a redraw under way is finished first, later requests do nothing."""
        with self._state:
            self._closed = True
            self._actions.clear()
            self._state.notify_all()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=5.0)

    def _wake(self) -> None:
        if self._closed:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        self._state.notify_all()

    def _run(self) -> None:
        while True:
            with self._state:
                while not self._closed and not self._due():
                    ticking = self._every if self._active else None
                    if not self._state.wait(ticking):
                        break
                if self._closed:
                    return
                target = self._requested
                active = self._active
                actions = list(self._actions)
                self._actions.clear()
            started = time.monotonic()
            for action, failed in actions:
                _attempt(action, failed)
            if active:
                _attempt(self._draw, self._failed)
            with self._state:
                if active:
                    self._drawn = max(self._drawn, target)
                self._state.notify_all()
                # A request during this pause is not lost: `_requested` has grown.
                pause = self._interval - (time.monotonic() - started)
                if pause > 0:
                    self._state.wait_for(lambda: self._closed, pause)

    def _due(self) -> bool:
        return bool(self._actions) or (self._active and self._requested > self._drawn)


def _attempt(action: Callable[[], None], failed: Failed) -> None:
    try:
        action()
    except Exception as error:
        # Showing the error may fail for the same reason, a comm that is gone; nobody is left to tell.
        with contextlib.suppress(Exception):
            failed(error)


def in_thread(action: Callable[[], None], failed: Failed, *, name: str) -> threading.Thread:
    """Run `action` on a daemon thread of its own and hand its exception to `failed`."""

    def run() -> None:
        try:
            action()
        except Exception as error:
            failed(error)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread
