"""Whether a project is whole, and what can be done where it is not."""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import ProjectError
from ...storage.backups import BY_HAND
from ...storage.copies import BACKUPS_FOLDER
from ..foundation import Foundation
from .backups import rolling_backups
from .findings import CheckReport
from .inspection import Inspection


class Checking(Foundation):
    """Finding out whether a project is whole, and keeping copies for the day when it is not."""

    def __init__(self, path: str | os.PathLike[str], mode: str = "a") -> None:
        super().__init__(path, mode)
        self._backups = rolling_backups(self._database)
        if not self.read_only:
            self._backups.start_if_due()

    def close(self) -> None:
        """Let go of the project's files; calling it twice is harmless."""
        self._backups.stop()
        super().close()

    def backup(self) -> Path:
        """Copy ``project.db`` into ``backups/`` now; others may go on working meanwhile.

        A copy that was asked for is never deleted. Without being asked, a copy is made when a project is opened
        for writing and the last one is a day old; the newest three of these are kept. Works too where
        ``project.db`` was deleted while it was open.

        Returns
        -------
        Path
            The copy: one file, verified. ``restore`` puts it in the place of a damaged ``project.db``.

        Raises
        ------
        ProjectError
            If the copy cannot be written, or the database is damaged.
        """
        self._author(None)
        try:
            return self._backups.make(BY_HAND)
        except OSError as error:
            raise ProjectError(
                f"No backup of {self.path} could be made ({error.strerror or error}). Make room, or mend"
                f" the rights of its folder {BACKUPS_FOLDER}."
            ) from error

    def check(self, *, pixels: bool = False) -> CheckReport:
        """Verify the database, the journal, the files and the dataset versions; nothing is changed.

        Parameters
        ----------
        pixels : bool
            Read every image too, and compare its pixels with those that were first read.

        Returns
        -------
        CheckReport
            ``ok``, ``problems`` and ``warnings``; each says what can be recovered and how.
        """
        look = Inspection(self._database, self.path, self._reader, touched=not pixels)
        with self._database.read() as connection:
            look.run(connection)
        if pixels:
            look.pixels()
        look.backups(self._backups.failure)
        return CheckReport(", ".join(look.checked), look.problems, look.warnings)
