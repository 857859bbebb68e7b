"""Whether anybody has a database open: how it is known that its last user did not close it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from .locks import share, try_lock

_PATIENCE_SECONDS = 30.0


class Users:
    """Those who have a database open, in any process: each holds a shared lock on ``<name>-open-lock``.

    SQLite removes the log when the last user closes the file. A log beside a file that nobody has open was
    therefore left by a process, or a machine, that ended in the middle of its work.

    Parameters
    ----------
    path : Path
        The database.
    """

    def __init__(self, path: Path) -> None:
        self._place = path.with_name(f"{path.name}-open-lock")
        self._file: IO[bytes] | None = None

    @contextmanager
    def joining(self, read_only: bool) -> Iterator[bool]:
        """Become one of them; inside the block it is known whether there was no other, and others wait.

        A lock that cannot be had, as on a file system without locks, is gone without: then there may always be
        others. Read-only, the lock file is not made; where there is none, nobody has the database open.
        """
        try:
            self._file = self._place.open("rb" if read_only else "ab")
        except FileNotFoundError:
            yield read_only
            return
        except OSError:
            yield False
            return
        alone = False
        try:
            alone = try_lock(self._file)
            if not alone:
                self._share()
        except OSError:
            self.leave()
        try:
            yield alone
        finally:
            if alone:
                self._share()

    def leave(self) -> None:
        """Be no longer one of them; harmless when called twice.

        The lock goes with the file and is never taken off it: after a fork two processes hold it together.
        """
        if self._file is not None:
            self._file.close()
            self._file = None

    def _share(self) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        try:
            while self._file is not None and not share(self._file):
                if time.monotonic() > deadline:
                    self.leave()
                time.sleep(0.005)
        except OSError:
            self.leave()
