"""Images, categories, the label journal, partitions, dataset versions and predictions of a project folder.

One folder for each of its tasks: adding, crops, plates, files, labels, fields, pictures, splits, versions, safety. The room may
use imaging and storage; SQLite is spoken in ``schema`` and ``sql`` only, but for backups, and pandas is loaded when a
DataFrame is asked for.
Projects are datasets, the engine reads dataset versions and writes predictions here, and the widgets apply
their edits here.
"""

from __future__ import annotations

from .dataset import Dataset
from .records import (
    ORIGINS,
    PARTITIONS,
    AddReport,
    Category,
    Changes,
    Columns,
    Field,
    FieldValues,
    ImageDescription,
    LabelOrigins,
    LabelReport,
    OperationResult,
)
from .versions.versions import DatasetVersion

__all__ = [
    "ORIGINS",
    "PARTITIONS",
    "AddReport",
    "Category",
    "Changes",
    "Columns",
    "Dataset",
    "DatasetVersion",
    "Field",
    "FieldValues",
    "ImageDescription",
    "LabelOrigins",
    "LabelReport",
    "OperationResult",
]
