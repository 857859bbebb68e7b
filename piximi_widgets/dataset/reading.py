"""Reading a dataset's images: as a table, as pixels, as pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import SelectionError
from ..imaging import Window
from . import frames, predictions
from .fields.brightness import Flag
from .fields.further import further_columns
from .foundation import Foundation
from .query import select
from .records import Field, FieldValues, ImageDescription
from .selection import existing, requested
from .sql import categories as category_sql
from .sql import images as image_sql

if TYPE_CHECKING:
    import pandas as pd

_LARGEST_THUMBNAIL = 1024


class Reading(Foundation):
    """What a project knows about its images; nothing here changes it."""

    thumbnails: bool = True
    """Whether a saved notebook shows pictures; images may be patients'. Set it on the class or one object."""

    @property
    def images(self) -> pd.DataFrame:
        """One row for each image, made once for each revision.

        Index ``id``; columns name, height, width, channels, planes, dtype, category, partition, excluded,
        prediction, confidence, unsure, note, kind, parent, pixel_size, and those of the metadata. Category and
        prediction are missing values where there is none; partition is ``training``, ``validation``, ``test`` or
        ``unassigned``; kind is ``image`` for what is no crop of a parent; pixel_size is the width of a pixel in
        micrometres, where the file says.
        """
        with self._frame_lock:
            columns = self.columns()
            if self._frame is None or self._frame[0] != columns.revision:
                self._frame = self._images()
            # A copy, which pandas makes only when somebody writes into it.
            return self._frame[1].copy()

    def select(self, query: str) -> np.ndarray:
        """The ids of the images for which a query is true.

        Parameters
        ----------
        query : str
            For example ``"category == 'mitotic' and confidence < 0.6"``, over the columns of `images` and the
            further ones below, as
            ``DataFrame.query`` understands it; of methods only ``isna()``, ``notna()``, ``isin([…])``,
            ``str.contains(…)``, ``str.startswith(…)`` and ``str.endswith(…)``.

        Notes
        -----
        Further columns are made only for queries and tables that name them, and hidden by metadata of the same name.
        ``origin`` is where the label comes from: ``hand``, ``accepted`` (a prediction) or ``imported``;
        ``labeled_by`` its author, ``labeled_at`` when, and ``added`` when the image was added, both in seconds since
        1970. ``agreement`` tells of images with a label and a prediction whether it ``agrees`` or ``differs``;
        ``refused`` whether a prediction was refused. ``margin`` is the best minus the second best probability of the
        newest predictions, ``entropy`` theirs in nats. ``brightness`` is the mean of all values of those images that
        ``field_values("brightness")`` has measured.

        Returns
        -------
        ndarray of int64

        Raises
        ------
        SelectionError
            If the query is not understood.
        """
        frame = self.images
        return select(frame, query, self._further(frame))

    def table(self, columns: Sequence[str] | None = None, ids: Any = None) -> pd.DataFrame:
        """Some columns of `images` for some ids, in their order; the further ones of `select` too.

        Raises
        ------
        SelectionError
            If a column or an id is unknown.
        """
        frame = self.images
        if columns is not None:
            wanted = [columns] if isinstance(columns, str) else list(columns)
            further = self._further(frame)
            unknown = [name for name in wanted if name not in frame.columns and name not in further]
            if unknown:
                listed = ", ".join(map(str, (*frame.columns, *further)))
                raise SelectionError(f"There is no column {unknown[0]!r}; there are {listed}.")
            frame = frame.assign(**{name: further[name]() for name in wanted if name in further})[wanted]
        return frame if ids is None else frame.loc[self._ids(ids)]

    # -- fields ------------------------------------------------------------------------------------

    @property
    def fields(self) -> list[Field]:
        """Everything that images can be filtered and sorted by beside `columns`: names and kinds, metadata last.

        A metadata column of numbers only is of the kind ``number``, all others are ``text``.
        """
        return self._fields.listed()

    def field_values(
        self,
        name: str,
        progress: Callable[[int, int], object] | None = None,
        cancel: Flag | None = None,
    ) -> FieldValues:
        """One of the `fields` of all images, in the order of `columns`, without pandas.

        Parameters
        ----------
        name : str
            ``added`` is in seconds since 1970, ``pixel_size`` in micrometres, ``entropy`` in nats; ``margin`` and
            ``entropy`` are those of the newest predictions. ``brightness`` is the mean of all values of an image,
            NaN where its file cannot be read; it is measured when it is first asked for and kept in the project's
            ``cache`` folder.
        progress : callable, optional
            While brightness is measured, told of how many images it is known and how many there are.
        cancel : optional
            Something with ``is_set()``, for example a ``threading.Event``: when it is set, measuring ends.

        Raises
        ------
        SelectionError
            If there is no such field.
        PiximiError
            If it was canceled; the same call again goes on where it was.
        """
        return self._fields.values(name, progress, cancel)

    def shapes(self, ids: Any = None) -> np.ndarray:
        """Height, width and channels of images, as (N, 3) int64; of all by default.

        Removed images have them too, since dataset versions may hold such images.
        """
        wanted = requested(ids, self.columns().id)
        with self._database.read() as connection:
            table = image_sql.shapes(connection)
        existing(wanted, table[:, 0])
        return table[np.searchsorted(table[:, 0], wanted), 1:]

    def describe(self, id: int) -> ImageDescription:
        """Name, size and kind of one image, without pandas.

        Raises
        ------
        SelectionError
            If there is no such image.
        """
        image_id = self._location(id).id
        with self._database.read() as connection:
            name, height, width, channels, planes, dtype, stored = image_sql.description(connection, image_id)
        pixel_size = None if stored is None else tuple(json.loads(stored))
        return ImageDescription(name, height, width, channels, planes, dtype, pixel_size)

    def pixels(self, id: int) -> np.ndarray:
        """The pixels of one image, which may be a removed one: dataset versions may hold it.

        Returns
        -------
        (Z, H, W, C) ndarray
            In the image's own dtype; a new array that may be changed.

        Raises
        ------
        SelectionError
            If there is no such image.
        ImageReadError
            If its file is gone or damaged.
        """
        return self._reader.read(self._location(id, also_removed=True))

    # -- pictures ----------------------------------------------------------------------------------

    def thumbnail(self, id: int, size: int = 96) -> bytes:
        """A PNG of one image whose longest side has at most `size` pixels, as the display settings say.

        The last ones are kept in a memory of some 32 MB, and of images that take long to decode a small copy in
        the project's ``cache`` folder.

        Raises
        ------
        SelectionError
            If there is no such image.
        ImageReadError
            If its file is gone or damaged.
        """
        return self._pictures.thumbnail(self._location(id), max(1, min(int(size), _LARGEST_THUMBNAIL)))

    def window(self) -> Window:
        """For each channel the values that pictures show as black and as full color.

        What was set for a channel; else percentiles of a sample of the images, which hardly change until the
        project has doubled and are the same in every process. Under ``set_contrast("image")`` each image has
        its own in place of these.
        """
        return self._pictures.window()

    def picture_window(self, id: int) -> Window:
        """For each channel of one image the values that its thumbnail shows as black and as full color.

        As `window`, and where each image has its own contrast, that of this one.

        Raises
        ------
        SelectionError
            If there is no such image.
        ImageReadError
            If its own contrast is wanted and its file is gone or damaged.
        """
        return self._pictures.image_window(self._location(id))

    # -- below -------------------------------------------------------------------------------------

    def _location(self, id: int, *, also_removed: bool = False) -> image_sql.Location:
        if isinstance(id, (bool, np.bool_)) or not isinstance(id, (int, np.integer)):
            raise SelectionError(f"An id is a whole number, not {id!r}.")
        location = None
        if 0 < id < 2**63:
            with self._database.read() as connection:
                location = image_sql.location(connection, int(id), also_removed=also_removed)
        if location is None:
            raise SelectionError(f"There is no image with the id {id}; .images lists the ids.")
        return location

    def _further(self, frame: pd.DataFrame) -> Mapping[str, Callable[[], pd.Series]]:
        return further_columns(frame, self._columns.current, self._origins.current, self._fields)

    def _images(self) -> tuple[int, pd.DataFrame]:
        """The revision and its table; what never changes about images is kept from the last one."""
        with self._database.read() as connection:
            # Inside, so that categories and notes are those of the same moment.
            columns = self.columns()
            if self._static is None or not np.array_equal(self._static[0], columns.id):
                rows = image_sql.static(connection, columns.id)
                self._static = (columns.id, frames.static_frame(rows))
            names = {row["id"]: row["name"] for row in category_sql.live(connection)}
            predicted = None
            if np.any(~np.isnan(columns.confidence) & (columns.prediction_id == 0)):
                predicted = predictions.classes_of(connection, columns.id)
            notes = image_sql.notes(connection)
        frame = frames.images_frame(self._static[1], columns, names, predicted, notes)
        return columns.revision, frame
