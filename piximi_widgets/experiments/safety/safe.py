"""What a store can do for its own safety."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

from . import backups, checking
from .findings import StoreCheck

if TYPE_CHECKING:
    from ..store import ExperimentStore


class SafeStore:
    """Finding out whether a store is whole, and keeping copies for the day when it is not."""

    def backup(self, path: str | os.PathLike[str] | None = None) -> Path:
        """Copy the database while others go on working; stored files are not in the copy.

        Works too where the file was deleted while it was open.

        Parameters
        ----------
        path : path-like, optional
            A file, or a folder to put it in; an earlier copy there is replaced once the new one is whole. By default a file
            in ``backups`` beside the store, which is never deleted. Of a project's own store a copy is made unasked when
            `Project.experiments` is first used for writing and the last copy is a day old; the newest three of these are
            kept.

        Returns
        -------
        Path
            The copy: one file, verified. It can be opened as a store, and `restore` puts it in the place of a damaged one.

        Raises
        ------
        StoreError
            The copy cannot be written, the database is damaged, or `path` is something else, or a store that is open or
            was not closed.
        """
        store = cast("ExperimentStore", self)
        return backups.make_backup(store, None if path is None else Path(path))

    def check(self, *, deep: bool = False) -> StoreCheck:
        """Verify the database, what it holds, and that every stored file is there; nothing is changed.

        Parameters
        ----------
        deep : bool
            Read every stored file too, and compare it with its SHA-256.

        Returns
        -------
        StoreCheck
            ``ok``, ``problems`` and ``warnings``; each says what can be done.
        """
        return checking.check(cast("ExperimentStore", self), deep=deep)

    @staticmethod
    def restore(url: str | os.PathLike[str], backup: str | os.PathLike[str] | None = None) -> Path:
        """Put a backup in the place of a damaged or missing database, and say which; stored files are not touched.

        Parameters
        ----------
        url : str or path
            The store's, as for `ExperimentStore`; no program may have it open.
        backup : path-like, optional
            A file in ``backups``, or the path of one. By default the newest intact one, or what can still be read of the
            database itself if that has as many rows.

        Returns
        -------
        Path
            What was put in place. What was there is kept beside it, as ``…-damaged-<time>.db``; as
            ``…-replaced-<time>.db`` where it was intact.

        Raises
        ------
        StoreError
            Somebody has the store open; it is intact and no backup is named; the backup is damaged; or nothing can be
            read.
        """
        from ..store import database_path

        return backups.restore(database_path(url), backup)
