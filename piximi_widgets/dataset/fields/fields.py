"""All fields of a project by their names."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from ...errors import SelectionError
from ...storage import Database
from ..frames import BUILT_IN_COLUMNS, pixel_width
from ..labels.origins import OriginCache
from ..records import Columns, Field, FieldValues
from ..selection import known
from ..sql import fields as sql
from ..sql import predictions as prediction_sql
from .brightness import Brightness, Flag
from .certainty import entropy, margin
from .metadata import metadata_fields

BUILT_IN: dict[str, Literal["text", "number"]] = {
    "name": "text",
    "added": "number",
    "labeled_by": "text",
    "height": "number",
    "width": "number",
    "channels": "number",
    "planes": "number",
    "dtype": "text",
    "pixel_size": "number",
    "margin": "number",
    "entropy": "number",
    "brightness": "number",
}
"""The fields that every project has, and their kinds; metadata of the same name stands in their place."""


class Fields:
    """Makes fields when they are asked for, and keeps what never changes about images.

    Parameters
    ----------
    database : Database
    folder : Path
        The project's.
    columns : callable
        Gives the project's present columns.
    origins : OriginCache
    """

    def __init__(
        self, database: Database, folder: Path, columns: Callable[[], Columns], origins: OriginCache
    ) -> None:
        self._database = database
        self._columns = columns
        self._origins = origins
        self._brightness = Brightness(database, folder)
        self._lock = threading.Lock()
        self._ids: np.ndarray | None = None
        self._kept: dict[str, np.ndarray] = {}
        self._metadata: dict[str, FieldValues] | None = None
        self._certainty: tuple[int, np.ndarray, dict[str, np.ndarray]] | None = None

    def listed(self) -> list[Field]:
        """The fields in their order, those of the metadata last."""
        metadata = self._metadata_of(self._columns().id)
        built_in = [Field(name, kind) for name, kind in BUILT_IN.items() if name not in metadata]
        return [*built_in, *(Field(field.name, field.kind) for field in metadata.values())]

    def values(
        self,
        name: str,
        progress: Callable[[int, int], object] | None = None,
        cancel: Flag | None = None,
    ) -> FieldValues:
        """One field of all images; only the brightness takes long.

        Raises
        ------
        SelectionError
            If there is no such field.
        PiximiError
            If it was canceled.
        """
        columns = self._columns()
        metadata = self._metadata_of(columns.id)
        if name in metadata:
            return metadata[name]
        if name not in BUILT_IN:
            listed = ", ".join(field.name for field in self.listed())
            raise SelectionError(f"There is no field {name!r:.60}; there are {listed}.")
        if name == "brightness":
            values = self._brightness.measured(columns.id, progress, cancel)
        else:
            values = self.quick(name, columns)
        return FieldValues(name, BUILT_IN[name], values)

    def quick(self, name: str, columns: Columns) -> np.ndarray:
        """One of the `BUILT_IN` fields for some columns; the brightness as far as it is known."""
        ids = columns.id
        if name == "brightness":
            return self._brightness.known(ids)
        if name in ("margin", "entropy"):
            return self._certainty_of(name, ids)
        if name == "labeled_by":
            return self._authors(columns)
        if name == "name":
            return _objects(columns.names)
        with self._lock:
            self._forget_others(ids)
            if name not in self._kept:
                self._kept[name] = self._constant(name, ids)
            return self._kept[name]

    # -- what never changes about images -----------------------------------------------------------

    def _forget_others(self, ids: np.ndarray) -> None:
        """What was kept is of other images, where some came or went."""
        if self._ids is None or not np.array_equal(self._ids, ids):
            self._ids, self._kept, self._metadata = ids, {}, None

    def _constant(self, name: str, ids: np.ndarray) -> np.ndarray:
        with self._database.read() as connection:
            if name == "added":
                return _frozen(_added(sql.additions(connection), ids))
            if name in sql.SIZES:
                there, values = sql.sizes(connection, name)
                return _frozen(values[np.searchsorted(there, ids)].astype(np.float64))
            found = dict(sql.texts(connection, name))
        texts = [found[image_id] for image_id in ids.tolist()]
        if name == "dtype":
            return _frozen(_objects(texts))
        return _frozen(np.array([pixel_width(text) for text in texts], dtype=np.float64))

    def _metadata_of(self, ids: np.ndarray) -> dict[str, FieldValues]:
        with self._lock:
            self._forget_others(ids)
            if self._metadata is None:
                with self._database.read() as connection:
                    described, documents = sql.metadata(connection)
                self._metadata = _aligned_metadata(described, documents, ids)
            return self._metadata

    # -- what changes ------------------------------------------------------------------------------

    def _authors(self, columns: Columns) -> np.ndarray:
        origins = self._origins.current()
        names = _objects([*origins.authors, None])
        values = names[origins.author]
        if origins.id is columns.id or np.array_equal(origins.id, columns.id):
            return values
        # Images came or went in between.
        there = known(columns.id, origins.id)
        aligned = np.full(len(columns.id), None, dtype=object)
        aligned[there] = values[np.searchsorted(origins.id, columns.id[there])]
        return aligned

    def _certainty_of(self, name: str, ids: np.ndarray) -> np.ndarray:
        with self._lock, self._database.read() as connection:
            revision = prediction_sql.revision(connection)
            if self._certainty is None or self._certainty[0] != revision:
                predicted, probabilities = prediction_sql.newest_probabilities(connection)
                found = {"margin": margin(probabilities), "entropy": entropy(probabilities)}
                self._certainty = (revision, predicted, found)
            _, predicted, found = self._certainty
        values = np.full(len(ids), np.nan)
        there = known(ids, predicted)
        values[there] = found[name][np.searchsorted(predicted, ids[there])]
        return values


def _added(additions: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """When each image was added, from the times and the first and last ids of what was added together."""
    values = np.full(len(ids), np.nan)
    if len(additions):
        times, first, last = additions.T
        which = np.searchsorted(first, ids, side="right") - 1
        there = (which >= 0) & (ids <= last[which])
        values[there] = times[which[there]]
    return values


def _objects(values: list[str] | list[str | None]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def _aligned_metadata(described: np.ndarray, documents: str, ids: np.ndarray) -> dict[str, FieldValues]:
    # What another process has added since is not part of these ids; it goes to a place that is cut off.
    positions = np.where(known(described, ids), np.searchsorted(ids, described), len(ids))
    fields = metadata_fields(positions.tolist(), documents, len(ids) + 1)
    return {
        name: FieldValues(name, field.kind, _frozen(field.values[:-1]))
        for name, field in fields.items()
        if name not in BUILT_IN_COLUMNS
    }
