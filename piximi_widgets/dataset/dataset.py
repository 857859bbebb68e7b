"""The labeled images of one project folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from . import importing, label_files, representation
from .predicting import Predicting
from .records import AddReport
from .sources import expand
from .sql import images as image_sql


class Dataset(Predicting):
    """Images, categories, labels, partitions, dataset versions and predictions of a project folder.

    Safe to use from any thread and any process; what changes labels is on disk when the call returns. A
    context manager; `close` lets go of the files.

    Wherever `ids` is asked for, it is one id, a sequence of ids, a NumPy bool mask of the project's length, or
    a bool Series aligned by its index. A list of bools is refused.

    Parameters
    ----------
    path : path-like
        The project's folder.
    mode : {"a", "r", "r+", "x"}
        ``"a"``: open, or create and say so; ``"r"``: read-only; ``"r+"``: it must exist; ``"x"``: it must not.

    Raises
    ------
    NotAProjectError
        If the folder holds something else; nothing is written then.
    NewerVersionError
        If a newer version of this package has written it.
    ReadOnlyError
        By every method that changes something, if ``mode`` is ``"r"``.
    """

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def _repr_html_(self) -> str:
        return representation.dataset_html(self)

    def add_images(
        self,
        images: Any,
        labels: Any = None,
        *,
        metadata: Any = None,
        copy: bool = False,
        verify: bool = False,
        names: Sequence[str] | None = None,
        by: str | None = None,
    ) -> AddReport:
        """Add images, and labels and metadata with them.

        Only headers are read. One bad file stops nothing, and a file that is in the project already is
        skipped. What was added stays when the call is interrupted.

        Parameters
        ----------
        images : path-like, ndarray, DataFrame, or sequence of paths and arrays
            A file, a glob, a folder with its subfolders, an (N, H, W), (N, H, W, C) or (N, Z, H, W, C) array, a
            DataFrame with a column ``path``, or a list of files, globs, folders and single images. Arrays
            are written into the project.
        labels : optional
            ``"folder"``: the name of the folder that a file lies in; a mapping from path, file name or position;
            a sequence with None for unlabeled; a column of the DataFrame. Categories are made as needed.
        metadata : DataFrame, mapping or list of str, optional
            Further columns for `images`: a DataFrame with a column ``path`` or a row for each image, a mapping
            from names to one value for each image, or names of columns of the DataFrame of images, of which
            by default all are taken.
        copy : bool
            Copy the files into the project.
        verify : bool
            Decode every file, to find damage that the header does not show.
        names : sequence of str, optional
            A name for each image; by default the file's name.
        by : str, optional
            The author, by default the user's login name.

        Returns
        -------
        AddReport
            ``added`` ids, ``skipped`` paths and ``failed``, a dict from paths to reasons.

        Raises
        ------
        SelectionError
            If labels or metadata do not fit the images; nothing was added.
        """
        author = self._author(by)
        sources, failed = expand(images, labels, metadata, names)
        return importing.add(
            self._database, self.path, sources, failed, copy=copy, verify=verify, author=author, origin="api"
        )

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write `images` with the files' paths as CSV, which `load_labels` reads.

        Paths are relative to the CSV file's folder where they lie below it.
        """
        with self._database.read() as connection:
            places = {row[0]: row[2] or row[1] for row in image_sql.paths(connection)}
        label_files.write_csv(path, self.images, places, self.path)
