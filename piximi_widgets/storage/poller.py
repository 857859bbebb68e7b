"""One thread a process and database that tells listeners when something was committed.

SQLite's ``PRAGMA data_version`` changes for a connection when any other connection commits, in this
process or another one, and costs a few microseconds to read.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable

from ..errors import PiximiError

logger = logging.getLogger(__name__)

_SHORTEST_PAUSE = 0.02
_SECONDS_AFTER_TROUBLE = 0.5


class Subscription:
    """A listener of a `Poller`; `close` ends it.

    A bound method is held weakly, so that a forgotten subscription does not keep its owner alive.
    """

    def __init__(self, poller: Poller, callback: Callable[[], None]) -> None:
        self._poller = poller
        self._reference: Callable[[], Callable[[], None] | None]
        if hasattr(callback, "__self__"):
            self._reference = weakref.WeakMethod(callback)
        else:
            self._reference = lambda: callback
        self._closed = False

    def close(self) -> None:
        """Call the listener no more."""
        self._closed = True
        self._poller.discard(self)

    def notify(self) -> bool:
        """Call the listener; False when it is gone."""
        callback = self._reference()
        if self._closed or callback is None:
            return False
        try:
            callback()
        except Exception:
            # One listener's mistake must not silence the others.
            logger.exception("A listener of a database failed")
        return True


class Poller:
    """Watches one database file; its thread lives while there are listeners.

    Parameters
    ----------
    connect : callable
        Opens a connection that this thread alone uses.
    interval : float
        Seconds between two looks; commits of this process are announced at once through `poke`.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection], interval: float = 0.1) -> None:
        self._connect = connect
        self._interval = interval
        self._subscriptions: set[Subscription] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def subscribe(self, callback: Callable[[], None], interval: float | None = None) -> Subscription:
        """Call `callback` on the poller's thread after each commit, or after several in a row."""
        subscription = Subscription(self, callback)
        ready = threading.Event()
        with self._lock:
            if interval is not None:
                self._interval = min(self._interval, interval)
            self._subscriptions.add(subscription)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, args=(ready,), name="piximi-poller", daemon=True
                )
                self._thread.start()
            else:
                ready.set()
        # What is committed after this call returns is seen.
        ready.wait(5)
        return subscription

    def discard(self, subscription: Subscription) -> None:
        """Forget a listener; the thread ends with the last one."""
        with self._lock:
            self._subscriptions.discard(subscription)
        self._wake.set()

    def close(self) -> None:
        """Forget all listeners; the thread ends."""
        with self._lock:
            self._subscriptions.clear()
        self._wake.set()

    def poke(self) -> None:
        """Look now: this process has just committed."""
        if self._thread is not None:
            self._wake.set()

    def _run(self, ready: threading.Event) -> None:
        try:
            worked = self._watch(ready, warn=True)
            while worked is not None:
                # The disk or a lock is in the way; the listeners are told once it is not.
                time.sleep(_SECONDS_AFTER_TROUBLE)
                worked = self._watch(ready, warn=worked)
        finally:
            ready.set()

    def _watch(self, ready: threading.Event, *, warn: bool) -> bool | None:
        """Watch until nobody listens any more (None), or the file cannot be read: whether it could be before."""
        connection: sqlite3.Connection | None = None
        seen: int | None = None
        try:
            connection = self._connect()
            if not ready.is_set():
                seen = _data_version(connection)
                ready.set()
            while True:
                # After trouble nobody knows what was missed.
                if seen is not None:
                    self._wake.wait(self._interval)
                    # A busy writer in this process must not turn into as many looks as it commits.
                    time.sleep(_SHORTEST_PAUSE)
                    self._wake.clear()
                version = _data_version(connection)
                with self._lock:
                    if not self._subscriptions:
                        self._thread = None
                        return None
                    listeners = list(self._subscriptions)
                if version == seen:
                    continue
                seen = version
                gone = [listener for listener in listeners if not listener.notify()]
                with self._lock:
                    self._subscriptions.difference_update(gone)
        except (sqlite3.Error, PiximiError):
            with self._lock:
                if not self._subscriptions:
                    self._thread = None
                    return None
            if warn:
                logger.warning("A database cannot be watched for now", exc_info=True)
            ready.set()
            return seen is not None
        finally:
            if connection is not None:
                connection.close()


def _data_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA data_version").fetchone()[0])
