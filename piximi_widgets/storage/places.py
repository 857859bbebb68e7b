"""The files of a database, looked at from outside: never opened, since SQLite's locks hang on that."""

from __future__ import annotations

import os
from pathlib import Path


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
