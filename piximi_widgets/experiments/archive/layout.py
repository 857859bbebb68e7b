"""What an archive may hold: its members' names, their types, and the bounds within which one is read."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

FORMAT = "piximi_widgets experiment"
VERSION = 1

MANIFEST = "manifest.json"
EXPERIMENT = "experiment.json"
LOGS = "logs.jsonl"
METRICS = "metrics.jsonl"
POINTS = "metrics.npy"
EVALUATIONS = "evaluations.jsonl"
TELEMETRY = "telemetry.jsonl"
CHAPTERS = "chapters.jsonl"
SAMPLES = "samples.jsonl"
ARTIFACTS = "artifacts.jsonl"
FOLDERS = "folders.jsonl"
JOBS = "jobs.jsonl"
CONTENTS = "contents/"
TABLES = (LOGS, METRICS, EVALUATIONS, TELEMETRY, CHAPTERS, SAMPLES, ARTIFACTS, FOLDERS, JOBS)
"""Members that are always there, besides the experiment and the points."""

POINT = np.dtype([("series", "<u4"), ("step", "<i8"), ("time", "<i8"), ("value", "<f8")])

MOST_MEMBERS = 100_000
LARGEST_DIRECTORY = 16 << 20
"""Bytes of the zip archive's own list of members."""
LARGEST_RECORD = 1 << 30
"""Bytes of a member that is read into memory, and of all of them together twice as much."""
HIGHEST_RATIO = 200
"""To how much a compressed byte of a large member may unfold; Deflate itself could reach 1032."""
SMALL = 1 << 20
"""Bytes up to which nobody asks for the ratio."""

SHA256 = re.compile(r"[0-9a-f]{64}")
_RECORD = re.compile(
    r"(?:experiment\.json|metrics\.npy|(?:logs|metrics|evaluations|telemetry|chapters|samples|artifacts|folders|jobs)\.jsonl"
    r"|evaluations/(?:0|[1-9][0-9]{0,5})\.(?:npy|jsonl)|datasets/(?:0|[1-9][0-9]{0,5})\.(?:json|csv))"
)


class Dataset(NamedTuple):
    """A dataset version as it is kept apart from its project.

    Attributes
    ----------
    uid : str
    record : dict
        Name, classes and the like, as the project's room makes it.
    table : bytes
        Its images as CSV.
    """

    uid: str
    record: dict[str, object]
    table: bytes


def evaluation_type(classes: int) -> np.dtype:
    """Type of the rows of an evaluation with so many classes."""
    return np.dtype([("image", "<i8"), ("truth", "<i4"), ("probabilities", "<f4", (classes,))])


def is_record(name: str) -> bool:
    """Whether a member of that name is read into memory."""
    return _RECORD.fullmatch(name) is not None


def is_content(name: str) -> bool:
    """Whether a member of that name is a stored file."""
    return name.startswith(CONTENTS) and SHA256.fullmatch(name.removeprefix(CONTENTS)) is not None
