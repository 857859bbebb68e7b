"""The images of a dataset version as they go into an experiment's archive: a table of CSV, without pixels."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...dataset.records import PARTITIONS
from ...errors import DatasetVersionError
from ...experiments.archive.layout import Dataset

if TYPE_CHECKING:
    from ...dataset import DatasetVersion

COLUMNS = ("id", "category", "partition", "trained_on", "pixels")


class Row(NamedTuple):
    """An image of a version.

    Attributes
    ----------
    id : int
        In the project of the version.
    category, partition : str
    trained_on : bool
        Whether the experiment, or one that it goes on from, was trained on it.
    pixels : int
        The first 64 bits of its pixel hash.
    """

    id: int
    category: str
    partition: str
    trained_on: bool
    pixels: int


def write(version: DatasetVersion, trained_on: np.ndarray, project: str) -> Dataset:
    """The version as an archive keeps it; `trained_on` are ids of its project, `project` is that one's name."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    seen = np.isin(version.ids, trained_on).astype(int).tolist()
    for number, label, partition, was, digest in zip(
        version.ids.tolist(),
        version.labels.tolist(),
        version.partitions.tolist(),
        seen,
        version.hashes.tolist(),
        strict=True,
    ):
        writer.writerow((number, version.classes[label], PARTITIONS[partition], was, f"{digest:016x}"))
    record: dict[str, object] = {
        "name": version.name,
        "fingerprint": version.fingerprint,
        "created": round(version.created.timestamp() * 1000),
        "classes": version.classes,
        "images": len(version),
        "project": project,
        "project_uid": version.project_uid,
    }
    return Dataset(version.uid, record, text.getvalue().encode())


def read(dataset: Dataset) -> list[Row]:
    """The images of a version that came in an archive; none where a store that knows of no project has written it.

    Raises
    ------
    DatasetVersionError
        The table is damaged.
    """
    if not dataset.table:
        return []
    try:
        lines = list(csv.reader(io.StringIO(dataset.table.decode(), newline="")))
        if not lines or tuple(lines[0]) != COLUMNS:
            raise ValueError("it has other columns")
        found = [
            Row(_id(number), category, partition, was != "0", _digest(pixels))
            for number, category, partition, was, pixels in lines[1:]
        ]
        if len({row.id for row in found}) != len(found):
            raise ValueError("it has an image twice")
    except (ValueError, csv.Error) as error:
        raise DatasetVersionError(
            f"The table of the dataset version {dataset.record.get('name')!r} that came with the experiment is damaged"
            f" ({error}). Import the experiment again."
        ) from error
    return found


def _id(text: str) -> int:
    number = int(text)
    if not 0 < number < 2**63:
        raise ValueError(f"{text} is no image's id")
    return number


def _digest(text: str) -> int:
    number = int(text, 16)
    if not 0 <= number < 2**64:
        raise ValueError(f"{text} is no pixel hash")
    return number
