"""Dataset versions: what a training was given, kept unchanged for ever."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ...errors import DatasetVersionError
from ..frames import text_column
from ..records import PARTITIONS
from . import comparing

if TYPE_CHECKING:
    import pandas as pd


class DatasetVersion:
    """An immutable snapshot of the labels and partitions of a project's labeled images.

    Attributes
    ----------
    uid : str
    name : str
    fingerprint : str
        SHA-256 in hexadecimal digits over the images' pixel hashes, category names and partitions; equal
        for equal content in any project.
    created : datetime
        In UTC.
    classes : list of str
        The categories that have an image here, in the categories' order at that time.
    category_ids : (K,) ndarray of int64
        The id of each class's category, which stays when the category is renamed.
    ids : (N,) ndarray of int64
        Ascending.
    labels : (N,) ndarray of int32
        Positions in `classes`.
    partitions : (N,) ndarray of uint8
        Positions in ``("unassigned", "training", "validation", "test")``.
    hashes : (N,) ndarray of uint64
        The first eight bytes of each image's pixel hash, by which equal images are found again.
    project_uid : str
        The project that the ids belong to.
    """

    def __init__(
        self, row: sqlite3.Row, represent: Callable[[DatasetVersion], str], project_uid: str = ""
    ) -> None:
        self.project_uid = project_uid
        self.uid: str = row["uid"]
        self.name: str = row["name"]
        self.fingerprint: str = row["fingerprint"]
        self.created = datetime.fromtimestamp(row["created"], tz=UTC)
        self.revision: int = row["revision"]
        self.classes: list[str] = json.loads(row["classes"])
        self.category_ids = np.array(json.loads(row["categories"]), dtype=np.int64)
        self.ids, self.labels, self.partitions, self.hashes = unpack(row["content"], row["images"])
        self._represent = represent

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"<DatasetVersion {self.name!r}: {len(self)} images, {len(self.classes)} classes>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DatasetVersion) and other.uid == self.uid

    def __hash__(self) -> int:
        return hash(self.uid)

    def _repr_html_(self) -> str:
        return self._represent(self)

    def select(self, partition: str) -> np.ndarray:
        """The ids of the images of one partition.

        Parameters
        ----------
        partition : {"training", "validation", "test", "unassigned"}

        Returns
        -------
        ndarray of int64

        Raises
        ------
        DatasetVersionError
            If there is no such partition.
        """
        if partition not in PARTITIONS:
            raise DatasetVersionError(
                f"There is no partition {partition!r}; there are {', '.join(PARTITIONS)}."
            )
        return self.ids[self.partitions == PARTITIONS.index(partition)]

    @cached_property
    def images(self) -> pd.DataFrame:
        """DataFrame with the index ``id`` and the columns ``category`` and ``partition``."""
        import pandas as pd

        index = pd.Index(self.ids, name="id")
        return pd.DataFrame(
            {
                "category": text_column(self.classes, self.labels, index),
                "partition": text_column(PARTITIONS, self.partitions, index),
            },
            index=index,
        )

    def diff(self, other: DatasetVersion) -> pd.DataFrame:
        """What has changed from this version to `other`.

        Images of one project are matched by id. Those of two projects are matched by their pixels, of several
        equal ones first those with the same category and partition; the index then holds the id in `other`'s
        project, and for removed images the id in this one's.

        A category that was renamed is still the same one: its images are not in the table, and
        ``.attrs["renamed"]`` has the new name by the old one. Where the id of one of two categories does not
        occur in the other version, or between projects, categories are the same if their names are.

        Parameters
        ----------
        other : DatasetVersion
            The later one.

        Returns
        -------
        DataFrame
            Index ``id``; a row for each change, so that an image can have several: ``change`` is ``"added"``,
            ``"removed"``, ``"label"``, ``"partition"`` or ``"pixels"`` (the file holds other pixels than
            before). ``category_before``, ``category_after``, ``partition_before`` and ``partition_after`` are
            missing values where the image was not in the version.
        """
        return comparing.difference(self, other)


def fingerprint(hashes: Sequence[bytes], names: Sequence[str], partitions: Sequence[str]) -> str:
    """SHA-256 over the sorted lines of (pixel hash, category name, partition), in hexadecimal digits."""
    # A version has few different pairs of name and partition, so that each is written as JSON only once.
    ends = {pair: json.dumps(pair)[1:] for pair in set(zip(names, partitions, strict=True))}
    lines = sorted(
        f'["{digest.hex()}", {ends[name, partition]}'
        for digest, name, partition in zip(hashes, names, partitions, strict=True)
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def short_hashes(digests: Iterable[bytes]) -> np.ndarray:
    """The first 64 bits of pixel hashes, (N,) uint64."""
    return np.array([int.from_bytes(digest[:8], "big") for digest in digests], dtype=np.uint64)


def pack(ids: np.ndarray, labels: np.ndarray, partitions: np.ndarray, hashes: np.ndarray) -> bytes:
    """Store the arrays of a version in less than 20 bytes an image.

    Ids ascend, so that their differences are small and compress well; hashes do not compress.
    """
    parts = (
        np.diff(ids, prepend=0).astype("<u4"),
        labels.astype("<u4"),
        partitions.astype("u1"),
        hashes.astype("<u8"),
    )
    return zlib.compress(b"".join(part.tobytes() for part in parts), 6)


def unpack(content: bytes, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The arrays that `pack` was given: ids int64, labels int32, partitions uint8, hashes uint64."""
    try:
        raw = zlib.decompress(content)
        if len(raw) != 17 * count:
            raise ValueError(f"{len(raw)} bytes for {count} images")
    except (zlib.error, ValueError) as error:
        raise DatasetVersionError(f"A dataset version of this project is damaged ({error}).") from error
    ids = np.cumsum(np.frombuffer(raw, "<u4", count), dtype=np.int64)
    labels = np.frombuffer(raw, "<u4", count, 4 * count).astype(np.int32)
    partitions = np.frombuffer(raw, "u1", count, 8 * count).copy()
    hashes = np.frombuffer(raw, "<u8", count, 9 * count).astype(np.uint64)
    for array in (ids, labels, partitions, hashes):
        array.flags.writeable = False
    return ids, labels, partitions, hashes
