"""Looking at every part of a project for what is lost or damaged."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np

from ...errors import DatasetVersionError, ImageReadError
from ...storage import Database
from ...storage.backups import warnings_of
from ...storage.copies import defects
from ...storage.findings import look, some
from ..files.pixels import PixelReader, pixel_hash
from ..outcome import counted
from ..sql import checks as check_sql
from ..sql import images as image_sql
from ..sql import versions as version_sql
from ..versions.versions import DatasetVersion
from .backups import advice, backups
from .findings import Finding

_SHOWN = 5
_AT_ONCE = 500
_READERS = 2


class Inspection:
    """One run of `Checking.check`; what it finds is in `problems` and `warnings`.

    Parameters
    ----------
    database : Database
    folder : Path
        The project's.
    reader : PixelReader
    touched : bool
        Whether a file's time is worth a warning; not where its pixels are compared anyway.
    """

    def __init__(self, database: Database, folder: Path, reader: PixelReader, touched: bool) -> None:
        self._database = database
        self._folder = folder
        self._reader = reader
        self._warn_of_times = touched
        self.checked: list[str] = []
        self.problems: list[Finding] = []
        self.warnings: list[Finding] = []
        self._unreadable: set[int] = set()
        self._touched: list[int] = []

    def run(self, connection: sqlite3.Connection) -> None:
        """Look at the database, and from there at the files."""
        found = defects(connection)
        if found:
            self._problem(
                "database",
                [],
                f"project.db is damaged ({found[0]}{' …' if len(found) > 1 else ''}). {self._advice}",
            )
        steps: tuple[Callable[[sqlite3.Connection], None], ...] = (
            self._references,
            self._journal,
            self._labels,
            self._files,
            self._blocks,
            self._versions,
        )
        for sentence in look(connection, steps, bool(found)):
            self._problem("database", [], sentence)

    def _references(self, connection: sqlite3.Connection) -> None:
        for table, parent, count in check_sql.foreign_keys(connection):
            self._problem(
                "database",
                [],
                f"{count:,} rows of the table {table} refer to rows of {parent} that are not there."
                f" {self._advice}",
            )

    def _journal(self, connection: sqlite3.Connection) -> None:
        count, last = check_sql.operations(connection), check_sql.last_operation(connection)
        self.checked.append(f"{count:,} operation{'' if count == 1 else 's'}")
        lost = check_sql.missing_operations(connection)
        if lost:
            self._problem(
                "journal",
                lost,
                f"{count:,} of {last:,} operations are there; missing: {some(lost)}. {self._advice}",
            )
        odd = sorted({*check_sql.odd_operations(connection), *check_sql.orphaned_changes(connection)})
        if odd:
            self._problem("journal", odd, f"Operations cannot be read whole: {some(odd)}. {self._advice}")
        for target in ("image", "category"):
            strangers = check_sql.changed_strangers(connection, target)
            if strangers:
                self._problem(
                    "journal",
                    strangers,
                    f"The journal has changes of a lost {target}: {some(strangers)}. {self._advice}",
                )
        for name, ids in check_sql.broken_image_histories(connection).items():
            self._problem(
                "journal",
                ids,
                f"The journal does not lead to the present {name.removesuffix('_id')} of {counted(len(ids))}:"
                f" {some(ids)}. Look at them: set the right value again, or restore. {self._advice}",
            )
        categories = check_sql.broken_category_histories(connection)
        if categories:
            self._problem(
                "journal",
                categories,
                "The journal does not lead to the present names, colors and keys of the categories"
                f" {some(categories)}. Look at them and set the right ones again.",
            )

    def _labels(self, connection: sqlite3.Connection) -> None:
        if ids := check_sql.mislabeled(connection):
            self._problem(
                "label",
                ids,
                f"{counted(len(ids))} with a category that is gone: {some(ids)}. Label them anew.",
            )
        if ids := check_sql.odd_values(connection):
            self._problem(
                "label",
                ids,
                f"{counted(len(ids))} with a partition, flag, refusal or size that cannot be: {some(ids)}."
                f" {self._advice}",
            )
        if ids := check_sql.odd_predictions(connection):
            self._problem(
                "prediction",
                ids,
                f"The predictions of {counted(len(ids))} are damaged: {some(ids)}. Predict them again.",
            )

    def _files(self, connection: sqlite3.Connection) -> None:
        self.checked.append(counted(image_sql.count(connection)))
        missing: dict[int, str] = {}
        other: dict[int, str] = {}
        for image_id, stored, size, mtime_ns in check_sql.files(connection):
            path = os.path.normpath(os.path.join(self._folder, stored))
            try:
                status = os.stat(path)
            except OSError:
                missing[image_id] = path
                continue
            # The size of a folder, such as an OME-Zarr image's, says nothing about what is in it.
            if size is not None and status.st_size != size and not os.path.isdir(path):
                other[image_id] = path
            elif mtime_ns is not None and status.st_mtime_ns != mtime_ns:
                self._touched.append(image_id)
        self._unreadable |= missing.keys()
        if missing:
            self._problem(
                "file",
                sorted(missing),
                f"The files of {counted(len(missing))} are missing: {some(missing.values())}."
                " relink(folder) finds them in the folder where they are now, or put them back.",
            )
        if other:
            self._problem(
                "file",
                sorted(other),
                f"The files of {counted(len(other))} have another size than they had when they were added:"
                f" {some(other.values())}. Put the original files back; their labels may not fit the"
                " new ones.",
            )
        if self._touched and self._warn_of_times:
            self.warnings.append(
                Finding(
                    "file",
                    self._touched,
                    f"The files of {counted(len(self._touched))} have another time than they had when they"
                    " were added, as after copying them or changing them: check(pixels=True) compares"
                    " their pixels.",
                )
            )

    def _blocks(self, connection: sqlite3.Connection) -> None:
        ids_of: dict[str, list[tuple[int, int]]] = {}
        for image_id, block, index in check_sql.blocks(connection):
            ids_of.setdefault(block, []).append((index, image_id))
        for block, places in ids_of.items():
            path = self._folder / block
            try:
                length = len(np.load(path, mmap_mode="r", allow_pickle=False))
                lost = [image_id for index, image_id in places if index >= length]
                reason = "is too short"
            except (OSError, ValueError, TypeError) as error:
                lost = [image_id for _, image_id in places]
                reason = "is missing" if not path.exists() else f"cannot be read ({error})"
            if lost:
                self._unreadable.update(lost)
                self._problem(
                    "file",
                    sorted(lost),
                    f"{path}, which holds the pixels of {counted(len(lost))}, {reason}. Put the file back"
                    " from a copy of the project's folder; a backup of project.db does not hold pixels.",
                )

    def _versions(self, connection: sqlite3.Connection) -> None:
        rows = version_sql.listed(connection)
        self.checked.append(f"{len(rows)} dataset version{'' if len(rows) == 1 else 's'}")
        known = np.array(check_sql.image_ids(connection, removed=True), dtype=np.int64)
        for row in rows:
            reason = _version_problem(row, known)
            if reason:
                self._problem(
                    "version",
                    [],
                    f"The dataset version “{row['name']}” is damaged ({reason}). {self._advice}",
                )

    def pixels(self) -> None:
        """Read every image that has its file."""
        broken: dict[int, str] = {}
        changed: list[int] = []
        read = 0
        with ThreadPoolExecutor(_READERS, thread_name_prefix="piximi-check") as readers:
            for locations in self._locations():
                for location, digest in zip(locations, readers.map(self._digest, locations), strict=True):
                    read += 1
                    if isinstance(digest, str):
                        broken[location.id] = digest
                    elif location.pixel_hash not in (None, digest):
                        changed.append(location.id)
        self.checked.append(f"the pixels of {counted(read)}")
        if broken:
            self._problem(
                "pixels",
                list(broken),
                f"{counted(len(broken))} cannot be read: {some(broken.values())}. Put the original files"
                f" back, or leave the images out: exclude({list(broken)[:_SHOWN]}).",
            )
        if changed:
            self._problem(
                "pixels",
                changed,
                f"The pixels of {counted(len(changed))} are not the ones that were labeled:"
                f" {some(changed)}. Put the original files back, or look whether their labels still fit.",
            )

    def _locations(self) -> Iterator[list[image_sql.Location]]:
        with self._database.read() as connection:
            ids = check_sql.image_ids(connection, removed=False)
        ids = [image_id for image_id in ids if image_id not in self._unreadable]
        for start in range(0, len(ids), _AT_ONCE):
            with self._database.read() as connection:
                yield image_sql.locations(connection, ids[start : start + _AT_ONCE])

    def _digest(self, location: image_sql.Location) -> bytes | str:
        try:
            return pixel_hash(self._reader.read(location))
        except ImageReadError as error:
            return str(error)

    def backups(self, failure: str | None) -> None:
        """Look at the copies of the database; `failure` says why the last one could not be made."""
        found = backups(self._folder)
        self.checked.append(f"{len(found)} backup{'' if len(found) == 1 else 's'}")
        self.warnings += [Finding("backup", [], told) for told in warnings_of(found, failure)]

    @cached_property
    def _advice(self) -> str:
        return advice(self._database.path)

    def _problem(self, kind: str, ids: list[int], sentence: str) -> None:
        self.problems.append(Finding(kind, ids, sentence))


def _version_problem(row: sqlite3.Row, known: np.ndarray) -> str | None:
    """What is wrong with a stored dataset version, if anything."""
    try:
        version = DatasetVersion(row, repr)
    except (DatasetVersionError, ValueError, TypeError) as error:
        return str(error)
    if len(version) != row["images"] or np.any(np.diff(version.ids) <= 0):
        return "its ids do not fit"
    if np.any(version.labels < 0) or np.any(version.labels >= len(version.classes)):
        return "its labels do not fit its classes"
    if np.any(version.partitions > 3):
        return "its partitions do not fit"
    if not np.all(np.isin(version.ids, known)):
        return "it names images that the project never had"
    return None
