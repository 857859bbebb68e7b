"""Keeping contents and what refers to them in step: no reference to a missing file, no file that nobody needs.

A content is on disk before the transaction that refers to it, and is removed after the one that no longer does. A
process that is killed in between leaves a file to which nothing refers; ``store.collect_garbage()`` finds those.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ...errors import ArtifactError
from ..sql import contents as sql_contents
from .folders import FolderEntry, folder_digest
from .sharing import sharer

if TYPE_CHECKING:
    from ..experiment import Experiment
    from ..store import ExperimentStore
    from .contents import Contents

_TRIES = 5
#: Removing a file takes some milliseconds on a slow disk, and others wait for the transaction.
_AT_ONCE = 25
_Result = TypeVar("_Result")
_Refer = Callable[[sqlite3.Connection, str, int], _Result]


def keep_content(experiment: Experiment, content: Path | bytes, refer: _Refer[_Result]) -> _Result:
    """Keep a content and, in one durable transaction, what refers to it.

    Parameters
    ----------
    experiment : Experiment
    content : Path or bytes
    refer : callable
        Given the transaction, the sha256 and the size, writes the reference; its result is returned.
    """
    contents = experiment.store.contents
    for _ in range(_TRIES):
        sha256, size = contents.keep(content)
        with experiment.writing(durable=True) as connection:
            # an equal file that nothing referred to may have been removed until this transaction began
            if contents.path(sha256).is_file():
                return refer(connection, sha256, size)
    with experiment.writing(durable=True) as connection:
        # nobody else removes anything while this transaction is open
        sha256, size = contents.keep(content)
        if contents.path(sha256).is_file():
            return refer(connection, sha256, size)
    raise ArtifactError(f"The file {contents.path(sha256)} is removed again and again by another program.")


def keep_folder(experiment: Experiment, files: Mapping[str, Path | None], refer: _Refer[_Result]) -> _Result:
    """Keep the files of a folder and, in one durable transaction, its list and what refers to it.

    Parameters
    ----------
    experiment : Experiment
    files : mapping of str to Path or None
        As `files_below` finds them.
    refer : callable
        Given the transaction, the digest of the folder and its size in bytes.
    """
    contents = experiment.store.contents
    kept = contents.keep_many(b"" if file is None else file for file in files.values())
    entries = {path: FolderEntry(path, *content) for path, content in zip(files, kept, strict=True)}

    def note(connection: sqlite3.Connection) -> _Result:
        digest = folder_digest(entries.values())
        sql_contents.put_folder(connection, digest, entries.values())
        return refer(connection, digest, sum(entry.size for entry in entries.values()))

    def mend() -> None:
        for path, entry in entries.items():
            if not contents.path(entry.sha256).is_file():
                file = files[path]
                if contents.keep(b"" if file is None else file)[0] != entry.sha256:
                    raise ArtifactError(f"{file} changed while it was being stored; store it again.")

    for _ in range(_TRIES):
        with experiment.writing(durable=True) as connection:
            if _all_there(contents, entries.values()):
                return note(connection)
        mend()
    with experiment.writing(durable=True) as connection:
        mend()
        if _all_there(contents, entries.values()):
            return note(connection)
    raise ArtifactError(f"Files in {contents.folder} are removed again and again by another program.")


def remove_unused(store: ExperimentStore, contents: Iterable[str]) -> list[Path]:
    """Remove those files among `contents` to which nothing refers; returns them.

    None of them where another store may keep its files in the same folder.
    """
    removed: list[Path] = []
    for part in _parts(sorted(contents)):
        # Nothing is written: the transaction keeps others from coming to refer to a file that is about to go. It is
        # not the one that has removed the last reference, since that may yet fail and bring the reference back.
        with store.database.write() as connection:
            unused = sql_contents.unused(connection, part)
            if not unused or sharer(store) is not None:
                continue
            gone = [store.contents.path(sha256) for sha256 in unused]
            for path in gone:
                path.unlink(missing_ok=True)
        removed.extend(gone)
    return removed


def _all_there(contents: Contents, entries: Iterable[FolderEntry]) -> bool:
    return all(contents.path(entry.sha256).is_file() for entry in entries)


def _parts(contents: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(contents), _AT_ONCE):
        yield contents[start : start + _AT_ONCE]
