"""Dataset versions of a dataset, and what is wrong with what they would hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...errors import DatasetVersionError
from ...imaging.display_values import storable
from .. import representation
from ..files.current_hashes import current_hashes
from ..records import UNASSIGNED
from ..splits import grouping, leakage
from ..splits.grouping import Groups
from ..splits.partitioning import Partitioning
from ..splits.planning import is_used
from ..sql import images as image_sql
from ..sql import versions as version_sql
from . import snapshots
from .versions import DatasetVersion, short_hashes

if TYPE_CHECKING:
    import pandas as pd


class Versioning(Partitioning):
    """What trainings are given."""

    def leakage(self) -> pd.DataFrame:
        """Find labeled, not excluded images that make scores look better than they are, or labels contradict.

        Pixels that were never read are read now, to find exact duplicates.

        Returns
        -------
        DataFrame
            A row for each group, empty if all is well. ``kind`` is ``"duplicate"``: images of exactly the same
            pixels stand in several of training, validation and test; ``"group"``: images of one group of the
            last `split` do; ``"parent"``: crops of one image do; ``"label"``: exact duplicates have different
            categories, in whatever partition. ``key`` is the pixel hash, the group's values, or the parent's
            id; ``ids``, ``partitions``, ``names`` and ``categories`` are lists with an item for each image.

        Warns
        -----
        UserWarning
            If pixels cannot be read; these images are compared no further.
        """
        columns = self.columns()
        used = is_used(columns)
        partitions = np.where(used, columns.partition, UNASSIGNED).astype(np.uint8)
        hashes = self._read_hashes(columns.id[used])
        duplicates = grouping.of_hashes(columns.id, hashes)
        values, root_of = np.unique(self._root_of(columns.id), return_inverse=True)
        checked = [("duplicate", duplicates)]
        checked += [("group", groups) for groups in self._asked_for(columns, self.last_split)]
        checked += [("parent", Groups(root_of, [str(value) for value in values.tolist()]))]
        contradicting = np.zeros(len(used), dtype=bool)
        contradicting[used] = leakage.contradicting(duplicates.of[used], columns.category_id[used])
        chosen = [(kind, groups, leakage.torn(groups.of, partitions)) for kind, groups in checked]
        chosen += [("label", duplicates, contradicting)]
        category = {one.id: one.name for one in self.categories}
        categories = [category.get(number, "") for number in columns.category_id.tolist()]
        found = [
            row
            for kind, groups, which in chosen
            for row in leakage.rows(
                kind, groups, which, columns.id, columns.partition, columns.names, categories
            )
        ]
        return leakage.table(found)

    def snapshot(self, name: str | None = None, by: str | None = None) -> DatasetVersion:
        """Keep the labels and partitions of all labeled, not excluded images as an immutable version.

        Images whose label was marked as unsure are in it like all others; `exclude` leaves images out. Pixels
        that were never read before are read now, for the fingerprint.

        Parameters
        ----------
        name : str, optional
            By default ``"v1"``, ``"v2"`` and so on.

        Raises
        ------
        DatasetVersionError
            If the name is taken, no image is labeled, or images cannot be read.
        """
        author = self._author(by)
        with self._database.read():
            # Of one moment, so that each label has its category.
            columns, categories = self.columns(), self.categories
        row = snapshots.take(self._database, self.path, columns, categories, name, author)
        return DatasetVersion(row, self._version_html, self.uid)

    def version(self, uid_or_name: str) -> DatasetVersion:
        """The dataset version of that uid or name.

        Raises
        ------
        DatasetVersionError
            If there is none.
        """
        with self._database.read() as connection:
            row = version_sql.find(connection, storable(str(uid_or_name)))
            names = version_sql.names(connection)
        if row is None:
            there = f"there are {', '.join(sorted(names)[:10])}" if names else "there is none yet"
            raise DatasetVersionError(f"There is no dataset version {uid_or_name!r}; {there}.")
        return DatasetVersion(row, self._version_html, self.uid)

    @property
    def versions(self) -> list[DatasetVersion]:
        """All dataset versions, the oldest first."""
        with self._database.read() as connection:
            return [
                DatasetVersion(row, self._version_html, self.uid) for row in version_sql.listed(connection)
            ]

    def _with_pixels(self, digests: np.ndarray, among: np.ndarray) -> np.ndarray:
        """Those of some ids whose images have pixels of these hashes (uint64, as in `DatasetVersion.hashes`).

        Images that were never read are read now; one that cannot be read has none.
        """
        if not len(digests):
            return among[:0]
        with self._database.read() as connection:
            known = image_sql.hashes(connection, among.tolist())
        unread = among[~np.isin(among, list(known))]
        known |= current_hashes(self._database, self.path, unread).of
        ids = np.array(list(known), dtype=np.int64)
        return ids[np.isin(short_hashes(known.values()), digests)]

    def _version_html(self, version: DatasetVersion) -> str:
        return representation.version_html(self, version)
