"""Work that only one process will do, and how the others learn that it never will.

Workers of an environment stand in for each other. What a process keeps for itself has an environment of its own, and a
lock that is held as long as the process lives: a waiting job whose lock is free waits for nobody.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ...storage import FileLock
from .workers import this_host

if TYPE_CHECKING:
    from ..store import ExperimentStore

_WORD = "inline"
_ON = "on"
_ABANDONED = "The process that was to do this has ended before it began. Nothing was done; "
ABANDONED = {
    "train": f"{_ABANDONED}resume() puts it on the list again.",
    "predict": f"{_ABANDONED}project.predict() asks for it again.",
}
"""Why a job is LOST that nobody has begun, by its kind."""


class Reservation:
    """An environment of which only this process is, until `release` or the process's end; a context manager.

    Parameters
    ----------
    store : ExperimentStore
        In which the jobs will be.

    Attributes
    ----------
    environment : str
        For the jobs.
    """

    def __init__(self, store: ExperimentStore) -> None:
        uid = uuid.uuid4().hex
        self.environment = f"{_WORD} {uid} {_ON} {this_host()}"
        self._lock = FileLock(_lock_path(store.folder, uid))
        self._lock.path.parent.mkdir(exist_ok=True)
        self._lock.acquire()

    def release(self) -> None:
        """Give it up: jobs of the environment that still wait are abandoned. May be called from any thread, also twice."""
        self._lock.release()
        self._lock.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.release()


def is_abandoned(store: ExperimentStore, environment: str) -> bool:
    """Whether the only process of an environment is gone, as far as this computer can tell."""
    word, *rest = environment.split(" ", 3)
    if word != _WORD or len(rest) != 3 or rest[1:] != [_ON, this_host()]:
        return False
    return not FileLock.is_held(_lock_path(store.folder, rest[0]))


def _lock_path(folder: Path, uid: str) -> Path:
    return folder / "workers" / f"{uid}.lock"
