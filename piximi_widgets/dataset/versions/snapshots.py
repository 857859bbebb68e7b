"""Making and finding dataset versions."""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...errors import DatasetVersionError
from ...imaging.display_values import storable
from ...storage import Database
from ..files.current_hashes import current_hashes
from ..outcome import counted
from ..records import PARTITIONS, Category, Columns
from ..sql import journal as journal_sql
from ..sql import versions as version_sql
from .versions import fingerprint, pack, short_hashes

_LONGEST_NAME = 200
_SHOWN = 5


def take(
    database: Database,
    folder: Path,
    columns: Columns,
    categories: Sequence[Category],
    name: str | None,
    author: str,
) -> sqlite3.Row:
    """Keep the labels and partitions of all labeled, not excluded images as a new version.

    Parameters
    ----------
    columns, categories
        Of one moment; the categories in their order.

    Returns
    -------
    sqlite3.Row
        The stored version.

    Raises
    ------
    DatasetVersionError
        If the name is taken or no name at all, nothing is labeled, or images cannot be read.
    """
    if name is not None and (
        not isinstance(name, str) or not name.strip() or len(name) > _LONGEST_NAME or storable(name) != name
    ):
        raise DatasetVersionError(
            f"A dataset version's name is a text of 1 to {_LONGEST_NAME} characters, not {name!r}."
        )
    with database.read() as connection:
        _refuse_taken(connection, name)
    used = (columns.category_id > 0) & ~columns.excluded
    if not used.any():
        raise DatasetVersionError(
            "No image is labeled, so there is nothing to keep; label some images first."
        )
    ids, category_id, partitions = columns.id[used], columns.category_id[used], columns.partition[used]
    digests = _all_hashes(database, folder, ids)
    present = np.unique(category_id)
    classes = [(category.id, category.name) for category in categories if category.id in present]
    position = {number: index for index, (number, _) in enumerate(classes)}
    labels = np.array([position[number] for number in category_id.tolist()], dtype=np.int32)
    values = {
        "uid": str(uuid.uuid4()),
        "created": time.time(),
        "author": author,
        "revision": columns.revision,
        "fingerprint": fingerprint(
            digests,
            [classes[label][1] for label in labels.tolist()],
            [PARTITIONS[code] for code in partitions.tolist()],
        ),
        "classes": json.dumps([text for _, text in classes], ensure_ascii=False),
        "categories": json.dumps([number for number, _ in classes]),
        "images": len(ids),
        "content": pack(ids, labels, partitions, short_hashes(digests)),
    }
    with database.write() as connection:
        _refuse_taken(connection, name)
        version_sql.insert(connection, {**values, "name": (name or _free_name(connection)).strip()})
        row = version_sql.find(connection, str(values["uid"]))
        assert row is not None
        operation_id = journal_sql.next_id(connection)
        journal_sql.append(
            connection,
            operation_id,
            author=author,
            source="api",
            action="snapshot",
            detail={"uid": row["uid"], "message": f"Dataset version “{row['name']}”: {counted(len(ids))}."},
        )
    return row


def _refuse_taken(connection: sqlite3.Connection, name: str | None) -> None:
    if name is not None and name.strip() in version_sql.names(connection):
        raise DatasetVersionError(
            f"There is a dataset version “{name.strip()}” already; choose another name."
        )


def _free_name(connection: sqlite3.Connection) -> str:
    taken = version_sql.names(connection)
    number = len(taken) + 1
    while f"v{number}" in taken:
        number += 1
    return f"v{number}"


def _all_hashes(database: Database, folder: Path, ids: np.ndarray) -> list[bytes]:
    hashes = current_hashes(database, folder, ids)
    hashes.warn_of_changed(stacklevel=4)
    _refuse_broken(hashes.broken)
    return [hashes.of[image_id] for image_id in ids.tolist()]


def _refuse_broken(broken: dict[int, str]) -> None:
    if broken:
        reasons = "\n".join(f"  {reason}" for reason in list(broken.values())[:_SHOWN])
        more = f"\n  … and {len(broken) - _SHOWN} more" if len(broken) > _SHOWN else ""
        raise DatasetVersionError(
            f"{counted(len(broken))} cannot be read, so that no version can be made:\n{reasons}{more}\n"
            f"Put the files back, or leave the images out: exclude({list(broken)[:_SHOWN]})."
        )
