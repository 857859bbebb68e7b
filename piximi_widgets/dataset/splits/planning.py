"""Working out who belongs together and where images go, before anything is changed."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...errors import SelectionError
from ..files.current_hashes import current_hashes
from ..labels.labeling import Labeling
from ..outcome import counted
from ..records import PARTITIONS, TEST, TRAINING, UNASSIGNED, VALIDATION, Columns
from . import grouping
from . import settings as split_settings
from .grouping import Groups
from .partitions import divide_groups, follow
from .settings import SplitSettings

_SHOWN = 5


@dataclass(frozen=True, eq=False)
class Plan:
    """Partitions for all images at one revision, not applied yet."""

    columns: Columns
    used: np.ndarray
    groups: np.ndarray
    codes: np.ndarray


class Planning(Labeling):
    """What dividing the images needs to know of the project."""

    _known_roots: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def last_split(self) -> SplitSettings | None:
        """The settings of the last `split` that was not undone, by which new labels get their partitions."""
        with self._database.read() as connection:
            return split_settings.recall(connection)

    def _plan(
        self,
        columns: Columns,
        settings: SplitSettings,
        fixed: np.ndarray | None,
        hashes: Mapping[int, bytes],
    ) -> Plan:
        """Divide: all but the `fixed` images anew, or, where that is None, only those without a partition."""
        used = is_used(columns)
        groupings = [self._root_of(columns.id)]
        groupings += [groups.of for groups in self._asked_for(columns, settings)]
        if settings.keep_duplicates_together:
            groupings.append(grouping.of_hashes(columns.id, hashes).of)
        groups = grouping.joined(*groupings)
        parts = columns.partition if fixed is None else np.where(fixed, columns.partition, UNASSIGNED)
        # Images that are trained on decide where their group stands, before those that only once were.
        of_group, torn = follow(groups, parts, np.where(used, len(used) + 1, 1))
        if fixed is not None and torn.any():
            _refuse_torn(columns, groups, parts, torn)
        placed = np.where(parts == UNASSIGNED, of_group, parts)
        strata = columns.category_id[used] if settings.stratify else np.zeros(int(used.sum()), dtype=np.int32)
        codes = parts.astype(np.uint8)
        codes[used] = divide_groups(
            strata,
            groups[used],
            placed[used],
            training=settings.training,
            test=settings.test,
            seed=settings.seed,
        )
        return Plan(columns, used, groups, codes)

    def _asked_for(self, columns: Columns, settings: SplitSettings | None) -> list[Groups]:
        """The groups that the user has named; columns that are gone since are left out."""
        if settings is None:
            return []
        given = settings.given_groups(columns.id)
        if given is not None:
            return [given]
        if not settings.groups:
            return []
        frame = self.images
        there = [name for name in settings.groups if name in frame.columns]
        if len(there) < len(settings.groups):
            missing = ", ".join(name for name in settings.groups if name not in there)
            warnings.warn(
                f"The last split kept images of equal {missing} together, but .images has no such column any"
                " more; call split() again.",
                stacklevel=4,
            )
        if not there:
            return []
        if not np.array_equal(frame.index, columns.id):
            frame = frame.reindex(columns.id)
        return [grouping.of_columns(frame, there)]

    def _root_of(self, ids: np.ndarray) -> np.ndarray:
        """For each image the one that it was cut from; kept, since it never changes."""
        known = self._known_roots
        if known is None or not np.array_equal(known[0], ids):
            with self._database.read() as connection:
                known = self._known_roots = (ids, grouping.read_roots(connection, ids))
        return known[1]

    def _hashes_for(self, columns: Columns, settings: SplitSettings) -> Mapping[int, bytes]:
        return self._read_hashes(columns.id[is_used(columns)]) if settings.keep_duplicates_together else {}

    def _read_hashes(self, ids: np.ndarray) -> Mapping[int, bytes]:
        hashes = current_hashes(self._database, self.path, ids)
        hashes.warn_of_changed(stacklevel=4)
        if hashes.broken:
            reasons = "\n".join(f"  {reason}" for reason in list(hashes.broken.values())[:_SHOWN])
            warnings.warn(
                f"{counted(len(hashes.broken))} cannot be read and were not compared with others:\n{reasons}",
                stacklevel=4,
            )
        return hashes.of


def is_used(columns: Columns) -> np.ndarray:
    """Labeled and not excluded; an unsure label is a label."""
    return (columns.category_id > 0) & ~columns.excluded


def _refuse_torn(columns: Columns, groups: np.ndarray, parts: np.ndarray, torn: np.ndarray) -> None:
    standing = torn & (parts != UNASSIGNED)
    told = []
    for group in np.unique(groups[standing])[:_SHOWN].tolist():
        members = np.flatnonzero(standing & (groups == group))
        # One image of each part is enough to see it.
        _, first = np.unique(parts[members], return_index=True)
        told.append(
            " and ".join(
                f"{columns.names[member]} (id {columns.id[member]}, {PARTITIONS[parts[member]]})"
                for member in members[first].tolist()
            )
        )
    number = len(np.unique(groups[standing]))
    more = f"\n  … and {number - _SHOWN} more" if number > _SHOWN else ""
    listed = "\n".join(f"  {line}" for line in told)
    raise SelectionError(
        f"Images that must stay together are fixed by hand in different parts, in"
        f" {number} group{'' if number == 1 else 's'}:\n{listed}{more}\n"
        "Nothing was changed. Free them with set_partition(ids, None), or fix each group in one part."
    )


def empty_parts(plan: Plan, settings: SplitSettings) -> str:
    """A sentence, where groups are too few or too fixed for a part to get an image."""
    wanted = [TRAINING, VALIDATION] + ([TEST] if settings.test > 0 else [])
    codes = plan.codes[plan.used]
    missing = [PARTITIONS[code] for code in wanted if not np.any(codes == code)]
    number = len(np.unique(plan.groups[plan.used]))
    if not missing or number == len(codes):
        return ""
    groups = "1 group" if number == 1 else f"{number} groups"
    return (
        f"No image is left for {' and '.join(missing)}: the {counted(len(codes))} are {groups} that must stay"
        " together, or fixed by hand. Label images of other groups, or group by something finer."
    )


def shown(columns: Columns, chosen: np.ndarray) -> str:
    positions = np.flatnonzero(chosen)
    names = ", ".join(columns.names[position] for position in positions[:_SHOWN].tolist())
    return f"{counted(len(positions))} ({names}{' …' if len(positions) > _SHOWN else ''})"
