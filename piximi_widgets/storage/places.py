"""The files of a database, looked at from outside: never opened, since SQLite's locks hang on that."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

# Times of files are as coarse as two seconds (FAT): what was changed within them may be changed once more unseen.
_COARSEST_SECONDS = 3.0


def logs_of(path: Path) -> tuple[Path, Path]:
    """The files that may hold a part of a database which was not closed."""
    return path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-journal")


def size_of(path: Path) -> int:
    """Bytes of a file, 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def identity_of(path: Path | str) -> tuple[int, int] | None:
    """What tells a file from another one that has taken its name; None where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def marks_changes(folder: Path) -> bool:
    """Whether a folder is marked with the time when something in it changes, found out by changing something.

    Not all are: the topmost folder of a FAT volume has no times, and file systems that put others together may show
    those of one of them.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".piximi-probe-") as file:
            made = os.fstat(file.fileno()).st_mtime
            marked = os.stat(folder).st_mtime
    except OSError:
        return False
    return abs(made - marked) < _COARSEST_SECONDS


class Surroundings:
    """The folder around files that were seen in their places: one look at it may stand for a look at each of them.

    Parameters
    ----------
    folder : Path
    trusted : bool
        Whether it is marked when something in it is made, deleted, renamed or replaced; False: it is never called calm.
    """

    def __init__(self, folder: Path, *, trusted: bool) -> None:
        self._folder = str(folder)
        self._trusted = trusted
        self._calm: tuple[int, int, int, int] | None = None

    def are_calm(self) -> bool:
        """Whether nothing has happened in the folder since the state that `remember` was given."""
        return self._calm is not None and self._calm == self.state()

    def state(self) -> tuple[int, int, int, int] | None:
        """What tells the folder as it is from an earlier state; None where there is none."""
        try:
            status = os.stat(self._folder)
        except OSError:
            return None
        return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns

    def remember(self, state: tuple[int, int, int, int] | None) -> None:
        """Take note of a state from before the files were seen; forgotten where it could still change unseen."""
        calm = state is not None and time.time() - max(state[2:]) / 1e9 > _COARSEST_SECONDS
        self._calm = state if calm and self._trusted else None
