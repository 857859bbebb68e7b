"""Dividing a dataset's images: by fractions, by groups, and by hand."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import ConfigurationError, SelectionError
from ..columns import changes_since
from ..labels.edit import Edit
from ..outcome import Outcome, counted
from ..records import PARTITIONS, TRAINING, UNASSIGNED, OperationResult
from ..sql import images as image_sql
from ..sql import journal as journal_sql
from . import grouping
from . import settings as split_settings
from .partitions import check_settings, follow
from .planning import Planning, empty_parts, is_used, shown
from .settings import SplitSettings

_PER_COMMIT = 10_000


class Partitioning(Planning):
    """Who is trained on and who is scored."""

    def split(
        self,
        training: float = 0.75,
        test: float = 0.0,
        stratify: bool = True,
        groups: Any = None,
        seed: int = 0,
        by: str | None = None,
        *,
        keep_duplicates_together: bool = False,
    ) -> OperationResult:
        """Divide all labeled images anew into training, validation and test; all others become unassigned.

        Images whose partition was given by `set_partition` stay, count in the fractions, and draw the other
        images of their group after them. Crops stay with the image they were cut from and with each other,
        whatever `groups` says. One operation, which `undo` takes back. New labels join in the same manner, see
        `assign_partitions`. An image that somebody else changes while it is divided is left as it is, and is in
        the result's ``skipped``.

        Parameters
        ----------
        training, test : float
            Fractions of the labeled, not excluded images; validation gets the rest.
        stratify : bool
            Divide each category by itself. A category of two or more images then has at least one for
            training and one for validation, unless groups or fixed images stand against it.
        groups : str, list of str, Series, mapping or sequence, optional
            Images of one group get the same partition: a column of ``images``, several of which the
            combination counts (``["plate", "well"]``), values by id, or one value for each image of the
            project. An image without a value is a group of its own.
        seed : int
            The same seed and the same labels give the same partitions.
        keep_duplicates_together : bool
            Images of exactly the same pixels are a group too. Pixels that were never read are read now.

        Raises
        ------
        ConfigurationError
            If the fractions are no parts of one whole.
        SelectionError
            If `groups` does not fit the project, or images of one group are fixed in several parts; nothing
            was changed then.

        Warns
        -----
        UserWarning
            If there are too few groups, so that a part stays empty; or if pixels cannot be read.
        """
        check_settings(training, test, seed)
        self._author(by)
        settings = SplitSettings(
            float(training),
            float(test),
            bool(stratify),
            seed=int(seed),
            keep_duplicates_together=bool(keep_duplicates_together),
        )
        columns = self.columns()
        named = None if groups is None else grouping.columns_named(groups, self.images)
        if named is not None:
            settings = replace(settings, groups=tuple(named))
        elif groups is not None:
            asked = grouping.of_values(groups, columns.id)
            settings = replace(settings, given=split_settings.given(columns.id, asked))
        plan = self._plan(columns, settings, columns.fixed, self._hashes_for(columns, settings))
        notes = [f"{counted(int(plan.used.sum()))} divided with seed {seed}."]
        if stay := int((plan.used & columns.fixed).sum()):
            notes.append(f"{counted(stay)} stayed, being fixed by hand.")
        if empty := empty_parts(plan, settings):
            warnings.warn(empty, stacklevel=2)
            notes.append(empty)
        different = plan.codes != columns.partition
        values = dict(zip(columns.id[different].tolist(), plan.codes[different].tolist(), strict=True))

        def act(edit: Edit) -> Outcome:
            kept = _changed_since(edit, columns.revision, values)
            left = [(image_id, code) for image_id, code in values.items() if image_id not in kept]
            changed, skipped = journal_sql.set_images(edit.connection, edit.operation_id, "partition", left)
            split_settings.remember(
                edit.connection,
                settings,
                operation_id=edit.operation_id if len(changed) else None,
                author=edit.author,
            )
            return Outcome(" ".join(notes), changed, np.union1d(skipped, np.array(sorted(kept), np.int64)))

        return self._commit("split", act, by=by)

    def assign_partitions(
        self,
        training: float | None = None,
        test: float | None = None,
        stratify: bool | None = None,
        seed: int | None = None,
        by: str | None = None,
    ) -> np.ndarray:
        """Give a partition to the labeled, not excluded images that have none; no other image moves.

        An image of a group that stands in a part already goes there; new groups fill what the fractions leave
        open. The groups are those of the last `split`. Not undone by `undo`: it only prepares a training.

        Parameters
        ----------
        training, test, stratify, seed : optional
            As for `split`; by default as in the last one, or 0.75, 0, True and 0 if there was none.

        Returns
        -------
        ndarray of int64
            The ids that got a partition.

        Raises
        ------
        ConfigurationError
            If the fractions are no parts of one whole.

        Warns
        -----
        UserWarning
            If new images are of a group that stands in several parts, where they went to the one that holds
            most of it; or if pixels cannot be read.
        """
        settings = self._settings(training, test, stratify, seed)
        self._author(by)
        columns = self.columns()
        if not np.any(is_used(columns) & (columns.partition == UNASSIGNED)):
            return np.empty(0, dtype=np.int64)
        plan = self._plan(columns, settings, None, self._hashes_for(columns, settings))
        fresh = plan.used & (columns.partition == UNASSIGNED)
        torn = fresh & follow(plan.groups, columns.partition)[1]
        if torn.any():
            warnings.warn(
                f"{shown(columns, torn)} are of groups that stand in several parts; they went to the part that"
                " holds most of their group. leakage() lists the groups, and split() divides anew.",
                stacklevel=2,
            )
        values = list(zip(columns.id[fresh].tolist(), plan.codes[fresh].tolist(), strict=True))
        assigned = [np.empty(0, dtype=np.int64)]
        for start in range(0, len(values), _PER_COMMIT):
            part = values[start : start + _PER_COMMIT]

            def act(edit: Edit, part: list[tuple[int, int]] = part) -> Outcome:
                changed, skipped = journal_sql.set_images(
                    edit.connection, edit.operation_id, "partition", part, expected=UNASSIGNED
                )
                return Outcome(
                    f"{counted(len(changed))} assigned with seed {settings.seed}.", changed, skipped
                )

            assigned.append(self._commit("assign_partitions", act, by=by, reversible=False).changed)
        return np.concatenate(assigned)

    def planned_partitions(
        self,
        training: float | None = None,
        test: float | None = None,
        stratify: bool | None = None,
        seed: int | None = None,
    ) -> np.ndarray:
        """The partitions as `assign_partitions` would leave them; nothing is changed, and no pixels are read.

        Returns
        -------
        (N,) ndarray of uint8
            Positions in ``("unassigned", "training", "validation", "test")``, for all images in the order of
            their ids.
        """
        settings = self._settings(training, test, stratify, seed)
        columns = self.columns()
        if not np.any(is_used(columns) & (columns.partition == UNASSIGNED)):
            return columns.partition
        hashes: Mapping[int, bytes] = {}
        if settings.keep_duplicates_together:
            with self._database.read() as connection:
                hashes = image_sql.hashes(connection, columns.id[is_used(columns)].tolist())
        return self._plan(columns, settings, None, hashes).codes

    def set_partition(self, ids: Any, partition: str | None, by: str | None = None) -> OperationResult:
        """Fix images in a partition by hand, so that no `split` moves them; `undo` takes it back.

        Parameters
        ----------
        ids : int, sequence of int, bool ndarray, or bool Series
        partition : {"training", "validation", "test"} or None
            None frees the images: they are unassigned, and the next `split` or training may place them anywhere.

        Raises
        ------
        SelectionError
            If an id is unknown.
        ConfigurationError
            If there is no such partition.
        """
        known = isinstance(partition, str) and partition in PARTITIONS[TRAINING:]
        if partition is not None and not known:
            raise ConfigurationError(
                {
                    "partition": f"The partition is {partition!r}; it must be one of"
                    f" {', '.join(PARTITIONS[TRAINING:])}, or None to free the images."
                }
            )
        if ids is None:
            raise SelectionError("Say which images to fix in a partition: ids are missing.")
        code = UNASSIGNED if partition is None else PARTITIONS.index(partition)

        def act(edit: Edit) -> Outcome:
            moved, skipped = edit.set_images("partition", code)
            fixed, _ = edit.set_images("fixed", int(partition is not None))
            changed = np.union1d(moved, fixed)
            what = "freed" if partition is None else f"fixed in {partition}"
            return Outcome(f"{counted(len(changed))} {what}.", changed, skipped)

        return self._commit("set_partition", act, ids=ids, by=by)

    def _settings(
        self, training: float | None, test: float | None, stratify: bool | None, seed: int | None
    ) -> SplitSettings:
        """The last split's settings, or the defaults, with the given ones instead."""
        settings = self.last_split or SplitSettings()
        given: dict[str, Any] = {"training": training, "test": test, "stratify": stratify, "seed": seed}
        settings = replace(settings, **{name: value for name, value in given.items() if value is not None})
        check_settings(settings.training, settings.test, settings.seed)
        return settings


def _changed_since(edit: Edit, revision: int, values: Mapping[int, int]) -> set[int]:
    """Which of the images somebody else has changed while they were divided."""
    changes = changes_since(edit.connection, revision)
    if changes.image_ids is None:
        raise SelectionError(
            "Very many images were changed by somebody else while they were divided; nothing was changed. Call"
            " split() again."
        )
    return set(changes.image_ids.tolist()) & values.keys()
