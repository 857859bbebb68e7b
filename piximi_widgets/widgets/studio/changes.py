"""How far the labels have moved since a training."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from ...dataset import Dataset, DatasetVersion


class LabelChanges(NamedTuple):
    """Images whose label differs from a dataset version: relabeled, newly labeled, no longer labeled."""

    relabeled: int
    added: int
    removed: int

    def __bool__(self) -> bool:
        return any(tuple(self))

    @property
    def words(self) -> str:
        """Like ``2 labels changed and 40 images labeled since this training``."""
        parts = []
        if self.relabeled:
            parts.append("1 label changed" if self.relabeled == 1 else f"{self.relabeled} labels changed")
        if self.added:
            parts.append("1 image labeled" if self.added == 1 else f"{self.added} images labeled")
        if self.removed:
            parts.append("1 image taken out" if self.removed == 1 else f"{self.removed} images taken out")
        return f"{' and '.join(parts)} since this training" if parts else ""


def label_changes(dataset: Dataset, version: DatasetVersion) -> LabelChanges:
    """Compare the labels as they are now with those of `version`; excluded images count as not labeled."""
    columns = dataset.columns()
    labeled = ~columns.excluded & (columns.category_id > 0)
    ids, now = columns.id[labeled], columns.category_id[labeled]
    then = np.asarray(version.category_ids, dtype=np.int64)[version.labels]
    _, mine, theirs = np.intersect1d(ids, version.ids, assume_unique=True, return_indices=True)
    return LabelChanges(
        relabeled=int((now[mine] != then[theirs]).sum()),
        added=len(ids) - len(mine),
        removed=len(version.ids) - len(theirs),
    )
