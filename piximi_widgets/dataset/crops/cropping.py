"""Crops of objects as images of their own."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import CategoryError, ImageReadError, SelectionError
from ...imaging import read_pixels
from ..adding.alignment import is_frame
from ..adding.importing import refuse_alike
from ..foundation import Foundation
from ..labels.categories import checked_name
from ..labels.edit import label_each
from ..outcome import counted
from ..records import AddReport
from ..sql import crops as crop_sql
from ..sql import images as image_sql
from ..sql import journal as journal_sql
from ..sql.crops import Parent
from ..sql.images import NewImage
from .labels import mapped_labels, row_labels
from .parents import Parents
from .rows import parents_of_rows, read_objects
from .windows import Crop, crop_size, crops_of_mask, crops_of_table

_PER_COMMIT = 500
_TABLES = (".csv", ".tsv", ".txt")


class Cropping(Foundation):
    """Cells as images: cut lazily from their parents, labeled like any other."""

    def add_crops(
        self,
        source: Any,
        size: int | tuple[int, int] | None = None,
        *,
        kind: str = "cell",
        parent: Any = None,
        columns: str | Sequence[str] | None = None,
        labels: Any = None,
        by: str | None = None,
    ) -> AddReport:
        """Add crops of objects, which a table or a label mask tells, as images.

        A crop takes its pixels from its parent when it is read; nothing is written but where it lies. It has
        the channels, planes, names and pixel size of its parent, whose metadata it gets too, and the object's
        number as ``object``. The same crops a second time are skipped.

        Parameters
        ----------
        source : path-like, DataFrame, ndarray or mapping
            A table, or a CSV file, of centroids or bounding boxes in pixels, as CellProfiler
            (``Nuclei.csv``), scikit-image or a person write it; or a label mask: an (H, W) array of whole
            numbers with 0 for the background, its file, or a mapping from images' ids or names to masks. A
            centroid is counted from 0 at the first pixel's centre.
        size : int or (int, int), optional
            Height and width in pixels of windows around the centroids. A window that would reach over the
            parent's edge is moved inside; only where the parent is smaller it reaches beyond, where pixels
            are 0. By default the bounding boxes themselves.
        kind : str
            What the objects are.
        parent : int or str, optional
            The image that all objects lie in, by its id or name. By default the table says: by columns
            ``image_id``, ``path`` or ``name``, or by CellProfiler's ``ImageNumber`` with the ``Image.csv``
            beside it.
        columns : str or sequence of str, optional
            Columns of the table that become metadata.
        labels : optional
            For a table the name of a column or one label for each row; for all sources a mapping from crops'
            names such as ``"a.tif #7"`` or, in one image, from objects' numbers. Categories are made as
            needed.
        by : str, optional
            The author, by default the user's login name.

        Returns
        -------
        AddReport
            ``added`` ids, ``skipped`` names and ``failed``, a dict from rows to reasons.

        Raises
        ------
        SelectionError
            If coordinates, masks, parents or labels cannot be used as given; nothing was added.
        CategoryError
            If two labels, or a label and a category, differ by capitals only.
        """
        author = self._author(by)
        sides = crop_size(size)
        _check_kind(kind)
        with self._database.read() as connection:
            images = crop_sql.parents(connection)
            parents = Parents(self.path, images, crop_sql.crop_ids(connection))
        place, table = _table(source)
        if table is not None:
            rows = [parents.one(parent)] * len(table) if parent is not None else None
            found = rows if rows is not None else parents_of_rows(table, parents, place)
            wanted = [columns] if isinstance(columns, str) else list(columns or ())
            ignored = labels if isinstance(labels, str) else None
            crops, failed = crops_of_table(table, found, sides, columns=wanted, ignored=ignored)
            given = row_labels(labels, table, crops)
        else:
            if columns is not None:
                raise SelectionError("columns= takes columns of a table; a mask has none.")
            crops, failed = _crops_of_masks(source, parents, parent, sides)
            given = mapped_labels(labels, crops)
        by_id = {image.id: image for image in images}
        return self._add_crops(crops, given, by_id, kind, AddReport([], [], failed), author)

    def _add_crops(
        self,
        crops: Sequence[Crop],
        labels: Sequence[str | None],
        parents: Mapping[int, Parent],
        kind: str,
        report: AddReport,
        author: str,
    ) -> AddReport:
        ready: list[tuple[Crop, str | None]] = []
        for crop, label in zip(crops, labels, strict=True):
            try:
                ready.append((crop, None if label is None else checked_name(label)))
            except CategoryError as error:
                report.failed[crop.name] = str(error)
        refuse_alike(self._database, {label for _, label in ready if label is not None})
        for start in range(0, len(ready), _PER_COMMIT):
            chunk = ready[start : start + _PER_COMMIT]
            rows = [_new_image(crop, parents[crop.parent_id], kind) for crop, _ in chunk]
            with self._database.write() as connection:
                operation_id = journal_sql.next_id(connection)
                ids = image_sql.insert(connection, rows)
                added = [image_id for image_id in ids if image_id is not None]
                if added:
                    labeled = {
                        image_id: label
                        for image_id, (_, label) in zip(ids, chunk, strict=True)
                        if image_id is not None and label is not None
                    }
                    label_each(connection, operation_id, labeled)
                    journal_sql.append(
                        connection,
                        operation_id,
                        author=author,
                        source="api",
                        action="add_images",
                        detail={
                            "first": added[0],
                            "last": added[-1],
                            "message": f"{counted(len(added))} added as crops.",
                        },
                    )
            report.added.extend(added)
            report.skipped.extend(
                crop.name for image_id, (crop, _) in zip(ids, chunk, strict=True) if image_id is None
            )
        return report


def _check_kind(kind: Any) -> None:
    if not isinstance(kind, str) or not re.fullmatch(r"\w[\w .-]{0,49}", kind) or kind == "image":
        raise SelectionError(
            'kind says what the objects are in letters and digits, such as "cell" or "nucleus", and not'
            ' "image"; got'
            f" {kind!r}."
        )


def _table(source: Any) -> tuple[str | None, Any]:
    """The table's file and the table; two None where the source is a mask."""
    if is_frame(source):
        return None, source
    if isinstance(source, (str, os.PathLike)):
        place = os.path.abspath(os.path.expanduser(source))
        if place.lower().endswith(_TABLES):
            return place, read_objects(place)
    return None, None


def _crops_of_masks(
    source: Any, parents: Parents, parent: Any, size: tuple[int, int] | None
) -> tuple[list[Crop], dict[str, str]]:
    if isinstance(source, Mapping):
        if parent is not None:
            raise SelectionError("A mapping of masks names its images itself; leave parent= out.")
        found = {key: parents.found(key) for key in source}
        unknown = [f"{key!r}: {image}" for key, image in found.items() if isinstance(image, str)]
        if unknown:
            raise SelectionError(f"{len(unknown)} masks have no image: {'; '.join(unknown[:5])}.")
        pairs = [(image, source[key]) for key, image in found.items() if isinstance(image, Parent)]
        if len({image.id for image, _ in pairs}) < len(pairs):
            raise SelectionError("The mapping has two masks of one image; keep one of them.")
    else:
        only = parents.one(parent) if parent is not None else parents.only()
        if only is None:
            raise SelectionError(
                "Say which image the mask is of: parent= an image's id or name, or a mapping {id: mask}."
            )
        pairs = [(only, source)]
    crops: list[Crop] = []
    failed: dict[str, str] = {}
    for image, mask in pairs:
        try:
            more, problems = crops_of_mask(_mask(mask), image, size)
        except (SelectionError, ImageReadError) as error:
            # One bad mask of many stops nothing.
            if not isinstance(source, Mapping):
                raise
            failed[image.name] = str(error)
            continue
        crops += more
        failed.update(problems)
    return crops, failed


def _mask(mask: Any) -> np.ndarray:
    if isinstance(mask, (str, os.PathLike)):
        return read_pixels(os.path.expanduser(mask))
    if isinstance(mask, np.ndarray):
        return mask
    raise SelectionError(
        "Crops come from a table (a DataFrame or a CSV file) or a label mask (an array, an image file, or a"
        f" mapping of these), not from {type(mask).__name__}."
    )


def _new_image(crop: Crop, parent: Parent, kind: str) -> NewImage:
    region = ",".join(map(str, crop.region))
    return NewImage(
        name=crop.name,
        height=crop.region[2],
        width=crop.region[3],
        channels=parent.channels,
        planes=parent.planes,
        dtype=parent.dtype,
        origin=f"crop:{parent.id}:{kind}:{region}",
        metadata=json.dumps(crop.metadata, ensure_ascii=False),
        parent_id=parent.id,
        kind=kind,
        region=json.dumps(crop.region),
        channel_names=parent.channel_names,
        pixel_size=parent.pixel_size,
    )
