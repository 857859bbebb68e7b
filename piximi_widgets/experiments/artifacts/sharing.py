"""Which stores keep files in a folder of contents: one that is not alone there must not remove any.

Each store that keeps files leaves a small file of its own in the folder's ``stores``. In it stands where its database
lies, from the folder of contents on, so that both can be moved together.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import StoreError
from ..sql.schema import APPLICATION_ID

if TYPE_CHECKING:
    from ..store import ExperimentStore

_DATABASES = frozenset({".db", ".db3", ".sqlite", ".sqlite3"})
_PLACE = "stores"


def sign(folder: Path, database: Path) -> None:
    """Note that the store `database` keeps files in `folder`, if that is not noted already."""
    where = _from(folder, database)
    marker = folder / _PLACE / _marker_name(where)
    if marker.is_file():
        return
    marker.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError), marker.open("x", encoding="utf-8") as file:
        file.write(where)


def sharer(store: ExperimentStore) -> str | None:
    """What tells that another store may have files in the same folder, as half a sentence; None where nothing does."""
    folder = store.contents.folder
    mine = _marker_name(_from(folder, store.database.path))
    for marker in sorted((folder / _PLACE).glob("*.txt")):
        if marker.name != mine and (where := _user(marker, folder)) is not None:
            return f"The store {where} keeps its files in {folder} too, as {marker} says (remove that if it is no more),"
    # one that has kept its files before there were markers
    for beside in {store.folder, folder.parent}:
        for path in sorted(beside.iterdir()) if beside.is_dir() else ():
            if path.suffix in _DATABASES and not _is_same(path, store.database.path) and _is_store(path):
                return f"The store {path} lies beside {folder} too and may have files in it,"
    return None


def refuse_shared(store: ExperimentStore) -> None:
    """Raise StoreError where another store may keep its files in the same folder: ours cannot know what it needs."""
    found = sharer(store)
    if found is not None:
        raise StoreError(
            f"{found} which would be taken for garbage; nothing was removed. Give each store a folder of its own."
        )


def _user(marker: Path, folder: Path) -> str | None:
    """Where the store of a marker lies; None where it lay beside the folder, and is there no longer."""
    try:
        where = marker.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeError):
        return "of another person"
    place = Path(os.path.abspath(folder.resolve() / where))
    # Elsewhere it may be on a disk that is not there just now.
    if place.parent == folder.resolve().parent and not place.exists():
        return None
    return str(place)


def _from(folder: Path, database: Path) -> str:
    database, folder = database.resolve(), folder.resolve()
    try:
        return Path(os.path.relpath(database, folder)).as_posix()
    except ValueError:
        # another drive of Windows
        return database.as_posix()


def _marker_name(where: str) -> str:
    return f"{hashlib.sha256(where.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}.txt"


def _is_same(path: Path, database: Path) -> bool:
    return path == database or path.resolve() == database.resolve()


def _is_store(path: Path) -> bool:
    log = path.with_name(f"{path.name}-wal")
    # Read as it lies where no log is: otherwise SQLite would make one, as if somebody had left the file unclosed.
    mode = "mode=ro" if log.exists() else "mode=ro&immutable=1"
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True)
        try:
            return bool(connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID)
        finally:
            connection.close()
    except sqlite3.Error:
        return False
