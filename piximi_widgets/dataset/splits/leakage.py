"""Images that belong together and stand in several partitions, and duplicates with different labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..frames import text_column
from ..outcome import counted
from ..records import PARTITIONS, UNASSIGNED
from .grouping import Groups
from .partitions import follow

if TYPE_CHECKING:
    import pandas as pd

    from ..versions.versions import DatasetVersion

COLUMNS = ("kind", "key", "ids", "partitions", "names", "categories")


def torn(groups: np.ndarray, partitions: np.ndarray) -> np.ndarray:
    """For each image whether its group stands in several of training, validation and test.

    Parameters
    ----------
    groups : (N,) ndarray
        Equal within a group.
    partitions : (N,) ndarray of uint8
        Unassigned images are in no part, so that they leak nothing.

    Returns
    -------
    (N,) ndarray of bool
    """
    return follow(groups, partitions)[1] & (partitions != UNASSIGNED)


def contradicting(groups: np.ndarray, categories: np.ndarray) -> np.ndarray:
    """For each image whether others of its group have another category.

    Parameters
    ----------
    groups, categories : (N,) ndarray of int

    Returns
    -------
    (N,) ndarray of bool
    """
    pairs = np.unique(np.stack([groups, categories]), axis=1)
    several, counts = np.unique(pairs[0], return_counts=True)
    return np.isin(groups, several[counts > 1])


def leaking_duplicates(version: DatasetVersion) -> int:
    """How many images of a dataset version have an exact duplicate in another of its partitions.

    Images count as equal when the first eight bytes of their pixel hashes are, which a version keeps.
    """
    return int(torn(version.hashes, version.partitions).sum())


def leakage_warning(version: DatasetVersion) -> str:
    """What to know before the scores of this version are believed; empty where there is no leakage."""
    leaking = leaking_duplicates(version)
    if not leaking:
        return ""
    have = "has" if leaking == 1 else "have"
    return (
        f"{counted(leaking)} of the dataset version “{version.name}” {have} an exact duplicate in another"
        " partition, so that the scores will be too good. project.leakage() lists them, and"
        " project.split(keep_duplicates_together=True) keeps them together."
    )


def rows(
    kind: str,
    groups: Groups,
    chosen: np.ndarray,
    ids: np.ndarray,
    partitions: np.ndarray,
    names: Sequence[str],
    categories: Sequence[str],
) -> list[dict[str, Any]]:
    """One row for each group of the chosen images.

    Parameters
    ----------
    kind : str
    groups : Groups
        Of all images, as all of the following.
    chosen : (N,) ndarray of bool
    ids, partitions, names, categories : of length N
    """
    positions = np.flatnonzero(chosen)
    positions = positions[np.argsort(groups.of[positions], kind="stable")]
    edges = np.flatnonzero(np.diff(groups.of[positions])) + 1
    return [
        {
            "kind": kind,
            "key": groups.names[groups.of[members[0]]],
            "ids": ids[members].tolist(),
            "partitions": [PARTITIONS[code] for code in partitions[members].tolist()],
            "names": [names[position] for position in members.tolist()],
            "categories": [categories[position] for position in members.tolist()],
        }
        for members in np.split(positions, edges)
        if len(members)
    ]


def table(found: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The rows as a DataFrame."""
    import pandas as pd

    every = np.arange(len(found))
    frame = pd.DataFrame(index=pd.RangeIndex(len(found)))
    for name in COLUMNS:
        values = [row[name] for row in found]
        frame[name] = (
            text_column(values, every) if name in ("kind", "key") else pd.Series(values, dtype=object)
        )
    return frame
