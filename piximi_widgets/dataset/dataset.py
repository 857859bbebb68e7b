"""The labeled images of one project folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from . import representation
from .adding import importing
from .adding.importing import Flag, channel_options
from .adding.progress import shown
from .adding.scanning import Scan
from .adding.sources import expand
from .crops.cropping import Cropping
from .files.filing import Filing
from .labels import label_files
from .pictures.displaying import Displaying
from .predicting import Predicting
from .records import AddReport
from .safety.backups import restore
from .safety.checking import Checking
from .sql import images as image_sql


class Dataset(Predicting, Displaying, Cropping, Filing, Checking):
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
        channels: int | Sequence[str] | None = None,
        axes: str | None = None,
        pattern: str | None = None,
        metadata: Any = None,
        copy: bool = False,
        verify: bool = False,
        names: Sequence[str] | None = None,
        progress: bool | Callable[[int, int], object] = True,
        cancel: Flag | None = None,
        by: str | None = None,
    ) -> AddReport:
        """Add images, and labels and metadata with them.

        Only headers are read. One bad file stops nothing, and a file that is in the project already is
        skipped: a call that was interrupted keeps what it added, and is continued by making it again.

        Parameters
        ----------
        images : path-like, ndarray, DataFrame, array with dimension names, or sequence of paths and arrays
            A file, a glob, a folder with its subfolders, an (N, H, W), (N, H, W, C) or (N, Z, H, W, C) array, a
            DataFrame with a column ``path``, one xarray-like image, or a list of files, globs, folders and
            single images. Arrays are written into the project, each time that they are given. A folder that is a Zarr picture is one image, a
            plate of them as many as it has fields.
        labels : optional
            ``"folder"``: the name of the folder that a file lies in; a mapping from path, file name or position;
            a sequence with None for unlabeled; a column of the DataFrame. Categories are made as needed. Images
            that are in the project already keep the labels that they have.
        channels : int or sequence of str, optional
            How many channels each image has, where its file does not say, or what they are called. Unnamed pages
            are then taken as z1c1, z1c2, …, z2c1.
        axes : str, optional
            What the stored axes are, such as ``"ZCYX"`` over the letters T Z C Y X S, whatever the files say.
        pattern : str, optional
            Join files to images by their names, where each channel or plane is a file of its own: the name of a
            microscope's convention, ``"auto"``, a form such as ``"{well}_s{site}_w{channel}.tif"``, or a regular
            expression with named groups. The groups ``channel`` and ``z`` are joined; all others, such as
            ``plate``, ``well`` and ``site``, become metadata. Joined images come in the order of their plates, wells
            and sites; with a list, or with labels, names or metadata for each, in the order of their first files.
            See ``piximi_widgets.dataset.plates``.
        metadata : DataFrame, path of a CSV file, mapping or list of str, optional
            Further columns for `images`: a table with a column ``path`` or ``name``, with columns that the pattern
            has filled, or with a row for each image; a mapping from names to one value for each image; or names of
            columns of the DataFrame of images, of which by default all are taken.
        copy : bool
            Copy the files into the project.
        verify : bool
            Decode every file, to find damage that the header does not show.
        names : sequence of str, optional
            A name for each image; by default the file's name.
        progress : bool or callable
            True shows a bar when it takes longer than a second; a callable is told the numbers done and of all.
        cancel : optional
            Something with ``is_set()``, for example a ``threading.Event``: when it is set, no more files are added.
        by : str, optional
            The author, by default the user's login name.

        Returns
        -------
        AddReport
            ``added`` ids, ``skipped`` paths, ``failed``, a dict from paths to reasons, and ``guessed``, a dict
            from paths to how unnamed pages were taken.

        Raises
        ------
        SelectionError
            If labels, metadata, channels or pattern do not fit the images; nothing was added.
        CategoryError
            If labels differ by capitals only; nothing was added.
        """
        author = self._author(by)
        count, channel_names = channel_options(channels)
        sources, failed = expand(images, labels, metadata, names, pattern=pattern, axes=axes, channels=count)
        with shown(progress, len(sources)) as told:
            return importing.add(
                self._database,
                sources,
                failed,
                scan=Scan(str(self.path), copy, verify, axes, count),
                channel_names=channel_names,
                author=author,
                origin="api",
                progress=told,
                cancel=cancel,
            )

    @staticmethod
    def restore(path: str | os.PathLike[str], backup: str | os.PathLike[str] | None = None) -> Path:
        """Put a backup in the place of a damaged or missing database, and say which; pixels are not touched.

        Parameters
        ----------
        path : path-like
            The project's folder; no program may have it open.
        backup : path-like, optional
            A file in ``backups/``. By default the newest intact one, or the database itself as far as it is whole if
            that has as many operations. Where none is intact, what can still be read is saved.

        Returns
        -------
        Path
            What was put in place. What was there is kept as ``project-damaged-<time>.db``, or
            ``project-replaced-<time>.db`` where it was intact.

        Raises
        ------
        ProjectError
            If somebody has the project open; it is intact and no backup is named; the backup is damaged; or nothing
            can be read.
        """
        return restore(path, backup)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write `images` with the files' paths as CSV, which `load_labels` reads.

        Paths are relative to the CSV file's folder where they lie below it. A crop's is that of its parent with its
        kind and region, ``raw/a.tif#cell:22,30,16,16``.
        """
        with self._database.read() as connection:
            places = {row[0]: row[2] or row[1] for row in image_sql.paths(connection)}
        label_files.write_csv(path, self.images, places, self.path)
