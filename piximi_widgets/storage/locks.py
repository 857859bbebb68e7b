"""A lock that the operating system takes back when its holder dies."""

from __future__ import annotations

import os
import secrets
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

if sys.platform == "win32":
    import msvcrt

    # Windows locks ranges of bytes, also beyond a file's end: an exclusive lock takes all of them, a shared one
    # a single byte that hardly anybody else will choose.
    _BYTES = 1 << 30

    def try_lock(file: IO[bytes]) -> bool:
        """Take the exclusive lock on an open file; False when somebody else holds it."""
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, _BYTES)
        except OSError:
            return False
        return True

    def share(file: IO[bytes]) -> bool:
        """Take a shared lock, or make one of the exclusive lock that is held; False when it is not to be had."""
        # Where it is held.
        with suppress(OSError):
            unlock(file)
        os.lseek(file.fileno(), secrets.randbelow(_BYTES), os.SEEK_SET)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def unlock(file: IO[bytes]) -> None:
        """Give the exclusive lock on an open file back."""
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, _BYTES)

else:
    import fcntl

    def try_lock(file: IO[bytes]) -> bool:
        """Take the exclusive lock on an open file; False when somebody else holds it."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def share(file: IO[bytes]) -> bool:
        """Take a shared lock, or make one of the exclusive lock that is held; False when it is not to be had."""
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock(file: IO[bytes]) -> None:
        """Give the lock on an open file back."""
        fcntl.flock(file, fcntl.LOCK_UN)


# A prober holds the lock for some microseconds; the owner must not mistake it for a rival.
_PROBE_SECONDS = 0.1


class FileLock:
    """An exclusive lock on a file, held until `release` or until the process ends, however it ends.

    Parameters
    ----------
    path : Path
        The lock file; it is created when missing, and stays.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._file: IO[bytes] | None = None

    def acquire(self, blocking: bool = False, timeout: float = 30.0) -> bool:
        """Take the lock.

        Parameters
        ----------
        blocking : bool
            Wait for another holder, at most `timeout` seconds.

        Returns
        -------
        bool
            Whether the lock is held now.
        """
        if self._file is not None:
            return True
        file = self.path.open("ab")
        deadline = time.monotonic() + (timeout if blocking else _PROBE_SECONDS)
        while not try_lock(file):
            if time.monotonic() > deadline:
                file.close()
                return False
            time.sleep(0.002)
        self._file = file
        return True

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._file is not None:
            unlock(self._file)
            self._file.close()
            self._file = None

    @staticmethod
    def is_held(path: Path) -> bool:
        """Whether some living process, this one included, holds the lock at `path`."""
        try:
            with Path(path).open("rb+") as file:
                if not try_lock(file):
                    return True
                unlock(file)
                return False
        except FileNotFoundError:
            return False
