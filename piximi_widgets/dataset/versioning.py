"""Partitions and dataset versions of a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import DatasetVersionError, SelectionError
from . import representation, snapshots
from .alignment import is_missing
from .editing import Edit
from .labeling import Labeling
from .outcome import Outcome, counted
from .partitions import check_fractions, divide, divide_groups
from .records import UNASSIGNED, OperationResult
from .sql import journal as journal_sql
from .sql import versions as version_sql
from .versions import DatasetVersion

_PER_COMMIT = 10_000


class Versioning(Labeling):
    """What trainings are given."""

    def split(
        self,
        training: float = 0.75,
        test: float = 0.0,
        stratify: bool = True,
        groups: Any = None,
        seed: int = 0,
        by: str | None = None,
    ) -> OperationResult:
        """Divide all labeled images anew into training, validation and test; all others become unassigned.

        Parameters
        ----------
        training, test : float
            Fractions of the labeled, not excluded images; validation gets the rest.
        stratify : bool
            Divide each category by itself. A category of two or more images then has at least one for
            training and one for validation.
        groups : str, Series, mapping or sequence, optional
            Images of one group get the same partition: a column of ``images``, values by id, or one value
            for each image of the project. An image without a value is a group of its own.
        seed : int
            The same seed and the same labels give the same partitions.

        Raises
        ------
        ConfigurationError
            If the fractions are no parts of one whole.
        SelectionError
            If `groups` does not fit the project.
        """
        check_fractions(training, test)
        columns = self.columns()
        used = (columns.category_id > 0) & ~columns.excluded
        strata = columns.category_id[used] if stratify else np.zeros(int(used.sum()), dtype=np.int32)
        if groups is None:
            codes = divide(strata, np.full(len(strata), UNASSIGNED), training=training, test=test, seed=seed)
        else:
            group_of = self._groups(groups, columns.id)[used]
            codes = divide_groups(strata, group_of, training=training, test=test, seed=seed)
        target = np.full(len(columns.id), UNASSIGNED, dtype=np.uint8)
        target[used] = codes
        values = list(zip(columns.id.tolist(), target.tolist(), strict=True))

        def act(edit: Edit) -> Outcome:
            changed, skipped = journal_sql.set_images(edit.connection, edit.operation_id, "partition", values)
            return Outcome(f"{counted(int(used.sum()))} divided with seed {seed}.", changed, skipped)

        return self._commit("split", act, by=by)

    def assign_partitions(
        self,
        training: float = 0.75,
        test: float = 0.0,
        stratify: bool = True,
        seed: int = 0,
        by: str | None = None,
    ) -> np.ndarray:
        """Give a partition to the labeled, not excluded images that have none; no other image moves.

        Not undone by `undo`: it only prepares a training.

        Returns
        -------
        ndarray of int64
            The ids that got a partition.

        Raises
        ------
        ConfigurationError
            If the fractions are no parts of one whole.
        """
        check_fractions(training, test)
        self._author(by)
        columns = self.columns()
        used = (columns.category_id > 0) & ~columns.excluded
        strata = columns.category_id[used] if stratify else np.zeros(int(used.sum()), dtype=np.int32)
        codes = divide(strata, columns.partition[used], training=training, test=test, seed=seed)
        fresh = columns.partition[used] == UNASSIGNED
        values = list(zip(columns.id[used][fresh].tolist(), codes[fresh].tolist(), strict=True))
        assigned = [np.empty(0, dtype=np.int64)]
        for start in range(0, len(values), _PER_COMMIT):
            part = values[start : start + _PER_COMMIT]

            def act(edit: Edit, part: list[tuple[int, int]] = part) -> Outcome:
                changed, skipped = journal_sql.set_images(
                    edit.connection, edit.operation_id, "partition", part, expected=UNASSIGNED
                )
                return Outcome(f"{counted(len(changed))} assigned with seed {seed}.", changed, skipped)

            assigned.append(self._commit("assign_partitions", act, by=by, reversible=False).changed)
        return np.concatenate(assigned)

    # -- dataset versions --------------------------------------------------------------------------

    def snapshot(self, name: str | None = None, by: str | None = None) -> DatasetVersion:
        """Keep the labels and partitions of all labeled, not excluded images as an immutable version.

        Pixels that were never read before are read now, for the fingerprint.

        Parameters
        ----------
        name : str, optional
            By default ``"v1"``, ``"v2"`` and so on.

        Raises
        ------
        DatasetVersionError
            If the name is taken, no image is labeled, or images cannot be read.
        """
        row = snapshots.take(self._database, self.path, self._reader, self.columns(), name, self._author(by))
        return DatasetVersion(row, self._version_html)

    def version(self, uid_or_name: str) -> DatasetVersion:
        """The dataset version of that uid or name.

        Raises
        ------
        DatasetVersionError
            If there is none.
        """
        with self._database.read() as connection:
            row = version_sql.find(connection, str(uid_or_name))
            names = version_sql.names(connection)
        if row is None:
            there = f"there are {', '.join(sorted(names)[:10])}" if names else "there is none yet"
            raise DatasetVersionError(f"There is no dataset version {uid_or_name!r}; {there}.")
        return DatasetVersion(row, self._version_html)

    @property
    def versions(self) -> list[DatasetVersion]:
        """All dataset versions, the oldest first."""
        with self._database.read() as connection:
            return [DatasetVersion(row, self._version_html) for row in version_sql.listed(connection)]

    def _version_html(self, version: DatasetVersion) -> str:
        return representation.version_html(self, version)

    def _groups(self, groups: Any, ids: np.ndarray) -> np.ndarray:
        """A number for each image of the project, equal within a group."""
        if isinstance(groups, str):
            frame = self.images
            if groups not in frame.columns:
                raise SelectionError(
                    f"There is no column {groups!r} to group by; there are {', '.join(map(str, frame.columns))}."
                )
            values = frame[groups].tolist()
        elif isinstance(groups, Mapping) or hasattr(groups, "reindex"):
            by_id = dict(groups.items())
            values = [by_id.get(image_id) for image_id in ids.tolist()]
        else:
            values = list(groups)
            if len(values) != len(ids):
                raise SelectionError(
                    f"There are {len(values)} groups for {len(ids)} images; give one for each."
                )
        numbers: dict[Any, int] = {}
        alone = len(values)
        found = np.empty(len(values), dtype=np.int64)
        for position, value in enumerate(values):
            found[position] = (
                alone + position if is_missing(value) else numbers.setdefault(value, len(numbers))
            )
        return found
