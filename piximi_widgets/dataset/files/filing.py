"""The files that a project's images lie in: which are missing, where they are now, and taking them in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..foundation import Foundation
from ..sql import files as sql
from . import packing, relinking
from .image_files import full_path
from .packing import PackReport
from .relinking import RelinkReport
from .states import CHANGED, MISSING, OK, file_states

if TYPE_CHECKING:
    import pandas as pd


class Filing(Foundation):
    """What a project does about files that move, change or are to travel with it."""

    def missing_files(self) -> pd.DataFrame:
        """The files that are not as they were when their images were added or read last.

        Only their size and time are asked for, so that 100,000 files take about a second. A crop's file is
        its parent's.

        Returns
        -------
        DataFrame
            Index ``id``; columns name, path, state and reason. State is ``missing``; ``changed`` where a file
            has another size or is known to hold other pixels; ``touched`` where only its time is another one,
            which the next reading of its pixels looks into. No rows: all is well.
        """
        import pandas as pd

        with self._database.read() as connection:
            files = sql.all_files(connection)
            blocks = sql.blocks(connection)
        changed = self.changed_files()
        rows: list[tuple[int, str, str, str, str]] = []
        for file, (state, reason) in zip(files, file_states(self.path, files), strict=True):
            if state not in (OK, MISSING) and file.image_id in changed:
                state, reason = CHANGED, "it holds other pixels than those that were added"
            if state != OK:
                rows.append((file.image_id, file.name, full_path(self.path, file.path), state, reason))
        for block, images in blocks.items():
            place = full_path(self.path, block)
            if not os.path.isfile(place):
                reason = "the project's own pixels are gone; restore this file from a copy of the project"
                rows += [(image_id, name, place, MISSING, reason) for image_id, name in images]
        frame = pd.DataFrame(rows, columns=["id", "name", "path", "state", "reason"])
        return frame.astype({"id": "int64"}).set_index("id").sort_index(kind="stable")

    def changed_files(self) -> list[int]:
        """Ids of the images whose files were seen to hold other pixels than those that were added.

        Seen by this object, at the reading of pixels or thumbnails; the images' hashes stay those of the
        pixels that were added and labeled.
        """
        return sorted(self._witness.changed)

    def relink(self, folder: str | os.PathLike[str], by: str | None = None) -> RelinkReport:
        """Find the files of missing images again and note where they are now.

        An image whose pixels were read before is known by its pixels, whatever its file is called now; of
        several files with these pixels the one is taken whose name and folders agree most. Another one is
        known by name, size, shape and dtype, and reported as unverified. An image in several files needs
        files of the old names. Images whose files are there, and hold what they held, are not touched; copies
        inside of the project that were lost are made anew.

        Parameters
        ----------
        folder : path-like
            Where to look, with all folders below; hidden ones and other projects are passed over.
        by : str, optional
            The author, by default the user's login name.

        Returns
        -------
        RelinkReport
            ``found`` and ``unverified``, dicts from ids to the new paths, and ``missing``, a dict from ids to
            reasons.

        Raises
        ------
        ProjectError
            If there is no such folder.
        """
        author = self._author(by)
        place = Path(os.path.abspath(os.path.expanduser(folder)))
        # What was seen a moment ago is known by its pixels too.
        self._witness.flush()
        return relinking.relink(self._database, self.path, place, author)

    def pack(self, by: str | None = None) -> PackReport:
        """Copy all files that lie outside of the project's folder into it, so that it can be sent away whole.

        Files of equal content are copied once. One bad file stops nothing; what was packed stays when the
        call is interrupted, and the next call goes on from there. The project still knows where the files
        came from, so that `add_images` does not add them a second time.

        Parameters
        ----------
        by : str, optional
            The author, by default the user's login name.

        Returns
        -------
        PackReport
            ``packed`` ids, ``bytes``, and ``failed``, a dict from paths to reasons.

        Raises
        ------
        ProjectError
            If the disk has not enough room; nothing was copied then.
        """
        return packing.pack(self._database, self.path, self._author(by))
