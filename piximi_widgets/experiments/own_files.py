"""The files that a store lives in, which nothing that is written out may replace."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import StoreError
from ..storage.copies import BESIDE

if TYPE_CHECKING:
    from .store import ExperimentStore

_ENDINGS = (*BESIDE, "-lock", "-open-lock")
_DATABASES = frozenset({".db", ".db3", ".sqlite", ".sqlite3"})


def refuse_own(store: ExperimentStore, target: Path) -> None:
    """Raise StoreError where a file to be written would replace one of the store's own, or lie among its artifacts.

    Parameters
    ----------
    store : ExperimentStore
    target : Path
        Absolute. Whether it is there does not matter.
    """
    place = _real(target)
    own = [_real(Path(f"{store.database.path}{ending}")) for ending in _ENDINGS]
    contents = store.contents.folder.resolve()
    # Also under another name: a link, or other letters where the disk does not tell them apart.
    linked = any(target.exists() and path.exists() and os.path.samefile(target, path) for path in own)
    if place in own or linked or place.is_relative_to(contents):
        raise StoreError(f"{target} belongs to the store itself; give another path.")


def refuse_database(target: Path) -> None:
    """Raise StoreError where something else than a database would replace one, for example that of a project."""
    # By its name: SQLite's locks would be lost if it were opened here.
    if target.suffix.lower() in _DATABASES and target.exists():
        raise StoreError(f"{target} is a database and is not replaced; give another path.")


def _real(path: Path) -> Path:
    return path.parent.resolve() / path.name
