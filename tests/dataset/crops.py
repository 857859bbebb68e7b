"""Crops for tests, written straight into the table: here it is about what becomes of them."""

from __future__ import annotations

import json

from piximi_widgets.dataset import Dataset
from piximi_widgets.dataset.sql import images as image_sql
from piximi_widgets.dataset.sql import journal as journal_sql
from piximi_widgets.dataset.sql.images import NewImage


def cut(dataset: Dataset, parent: int, count: int, size: int = 3) -> list[int]:
    """Cut square crops from the upper left of an image, each a pixel further right, and return their ids."""
    with dataset._database.write() as connection:
        operation_id = journal_sql.next_id(connection)
        taken = connection.execute("SELECT COUNT(*) FROM image WHERE parent_id = ?", (parent,)).fetchone()[0]
        whole = connection.execute(
            "SELECT channels, planes, dtype FROM image WHERE id = ?", (parent,)
        ).fetchone()
        ids = image_sql.insert(
            connection,
            [
                NewImage(
                    name=f"crop {number} of {parent}",
                    height=size,
                    width=size,
                    channels=whole["channels"],
                    planes=whole["planes"],
                    dtype=whole["dtype"],
                    parent_id=parent,
                    kind="crop",
                    origin=f"{parent}#{number}",
                    region=json.dumps([0, number, size, size]),
                )
                for number in range(taken, taken + count)
            ],
        )
        journal_sql.append(
            connection,
            operation_id,
            author="test",
            source="test",
            action="add_images",
            detail={"first": ids[0], "last": ids[-1], "message": "cut"},
        )
    return ids
