"""The one thread that writes to a widget.

Widgets are not thread-safe: two threads that set traits at the same time can lose one of the two changes. All that a
widget's handlers, pollers and workers have to say therefore goes through its `Outbox`.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

logger = logging.getLogger(__name__)

# The Jupyter server drops messages above 1000 a second, and a page repaints no faster than it can be read.
STATE_INTERVAL = 0.1


class Outbox:
    """Writes traits and sends messages of one widget, from any thread, in a thread of its own.

    Parameters
    ----------
    widget : ipywidgets.Widget
        Held weakly: a forgotten widget ends its thread.
    """

    def __init__(self, widget: Any) -> None:
        self._widget = weakref.ref(widget)
        self._condition = threading.Condition()
        self._messages: deque[tuple[dict[str, Any], Sequence[bytes] | None]] = deque()
        self._state: dict[str, Any] = {}
        self._thread: threading.Thread | None = None
        self._closed = False

    def set(self, **traits: Any) -> None:
        """Write traits soon: at most ten times a second, the newest value wins, all of them in one message."""
        with self._condition:
            self._state.update(traits)
            self._wake()

    def send(self, content: dict[str, Any], buffers: Sequence[bytes] | None = None) -> None:
        """Send a custom message at once; messages keep their order."""
        with self._condition:
            self._messages.append((content, buffers))
            self._wake()

    def close(self) -> None:
        """Drop what is still waiting and end the thread."""
        with self._condition:
            self._closed = True
            self._messages.clear()
            self._state.clear()
            self._condition.notify_all()

    def _wake(self) -> None:
        if self._closed:
            return
        if self._thread is None:
            self._thread = threading.Thread(
                target=_write, args=(weakref.ref(self), self._condition), name="piximi-outbox", daemon=True
            )
            self._thread.start()
        self._condition.notify_all()

    def _take(
        self, state_due: bool
    ) -> tuple[list[tuple[dict[str, Any], Sequence[bytes] | None]], dict[str, Any]]:
        messages = list(self._messages)
        self._messages.clear()
        state: dict[str, Any] = {}
        if state_due:
            state, self._state = self._state, {}
        return messages, state

    def _deliver(
        self, messages: list[tuple[dict[str, Any], Sequence[bytes] | None]], state: dict[str, Any]
    ) -> bool:
        widget = self._widget()
        if widget is None:
            return False
        for content, buffers in messages:
            # One that cannot be sent must not take the others with it.
            with _noted():
                widget.send(content, buffers=buffers)
        if state:
            with _noted(), widget.hold_sync():
                for name, value in state.items():
                    setattr(widget, name, value)
        return True


@contextmanager
def _noted() -> Iterator[None]:
    """A page that has gone must not end the writer; the next page asks for everything anew."""
    try:
        yield
    except Exception:
        logger.warning("A widget's message could not be sent", exc_info=True)


def _write(reference: weakref.ref[Outbox], condition: threading.Condition) -> None:
    """Deliver until the outbox is closed or forgotten."""
    written = 0.0
    while True:
        with condition:
            outbox = reference()
            if outbox is None or outbox._closed:
                return
            due = time.monotonic() - written >= STATE_INTERVAL
            messages, state = outbox._take(due)
            if not messages and not state:
                pause = STATE_INTERVAL if outbox._state else 5.0
                # Only a weak reference is held while waiting, or a forgotten outbox would live for ever.
                del outbox
                condition.wait(pause)
                continue
        if state:
            written = time.monotonic()
        if not outbox._deliver(messages, state):
            return
        del outbox
