"""The small values that a dataset takes and gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

PARTITIONS = ("unassigned", "training", "validation", "test")
"""The partitions' names; a partition's code, as `Columns` holds it, is its position here."""

UNASSIGNED, TRAINING, VALIDATION, TEST = range(4)


@dataclass(frozen=True)
class Category:
    """What an image can be labeled as.

    Attributes
    ----------
    name : str
    color : str
        ``"#rrggbb"``.
    id : int
        Local to the project and never reused; 0 before it belongs to one. Two categories are equal when
        name and color are.
    key : str
        The character that labels with it in the labeler, in lower case; empty where the labeler chooses.
    """

    name: str
    color: str
    id: int = field(default=0, compare=False, repr=False)
    key: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, eq=False)
class OperationResult:
    """What one operation did.

    Attributes
    ----------
    revision : int
        The operation's id, or the project's current revision where nothing had to be done.
    action : str
    changed : (N,) ndarray of int64
        Ids of the images that are different now.
    skipped : (M,) ndarray of int64
        Ids of images that were left alone: changed by somebody else since, or removed.
    message : str
        One sentence for a person.
    """

    revision: int
    action: str
    changed: np.ndarray
    skipped: np.ndarray
    message: str

    def __repr__(self) -> str:
        return f"<{self.action}: {self.message}>"


@dataclass
class AddReport:
    """What became of the images that were to be added.

    Attributes
    ----------
    added : list of int
        The ids of the new images, in the order of their sources.
    skipped : list of str
        Paths that are in the project already.
    failed : dict of str to str
        For each source that could not be added the reason.
    guessed : dict of str to str
        For each image whose file does not say how its pages are ordered, how they were taken.
    canceled : bool
        Whether the call was stopped before its end. The same call again goes on where it was.
    """

    added: list[int] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    guessed: dict[str, str] = field(default_factory=dict)
    canceled: bool = False

    def __repr__(self) -> str:
        lines = [f"{len(self.added)} added, {len(self.skipped)} skipped, {len(self.failed)} failed"]
        if self.canceled:
            lines[0] += "; canceled before the end"
        for sentence in dict.fromkeys(self.guessed.values()):
            alike = [source for source, guess in self.guessed.items() if guess == sentence]
            more = f" and {len(alike) - 1} more" if len(alike) > 1 else ""
            lines.append(f"  guessed for {alike[0]}{more}: {sentence}")
        shown = list(self.failed.items())[:10]
        lines += [f"  {source}: {reason}" for source, reason in shown]
        if len(self.failed) > len(shown):
            lines.append(f"  … and {len(self.failed) - len(shown)} more in .failed")
        return "\n".join(lines)


@dataclass(frozen=True)
class LabelReport:
    """What became of the rows of a label file.

    Attributes
    ----------
    changed : (N,) ndarray of int64
        Ids of the images that got another label.
    unchanged : int
        Rows whose image had that label already.
    failed : dict of str to str
        For each row that could not be used, by its key or number, the reason.
    """

    changed: np.ndarray
    unchanged: int
    failed: dict[str, str]

    def __repr__(self) -> str:
        lines = [f"{len(self.changed)} labeled, {self.unchanged} unchanged, {len(self.failed)} failed"]
        lines += [f"  {row}: {reason}" for row, reason in list(self.failed.items())[:10]]
        return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class Columns:
    """What changes often about the images, as arrays of one length in the order of `id`.

    The arrays are shared between callers and cannot be written.

    Attributes
    ----------
    revision : int
        The revision that the arrays show.
    id : (N,) ndarray of int64
        Ascending.
    category_id : (N,) ndarray of int32
        0 where unlabeled.
    partition : (N,) ndarray of uint8
        Positions in `PARTITIONS`.
    excluded, unsure : (N,) ndarray of bool
    fixed : (N,) ndarray of bool
        Whether the partition was given by hand, so that no split moves the image.
    refused : (N,) ndarray of int32
        Category whose prediction a person has refused for the image, 0 where none.
    prediction_id : (N,) ndarray of int32
        Category of the newest predictions, 0 where there is none.
    confidence : (N,) ndarray of float32
        NaN where there is no prediction.
    names : list of str
        The images' names.
    """

    revision: int
    id: np.ndarray
    category_id: np.ndarray
    partition: np.ndarray
    excluded: np.ndarray
    unsure: np.ndarray
    fixed: np.ndarray
    refused: np.ndarray
    prediction_id: np.ndarray
    confidence: np.ndarray
    names: list[str]

    @property
    def is_refused(self) -> np.ndarray:
        """(N,) ndarray of bool: where the present prediction is the one that a person has refused."""
        return (self.refused != 0) & (self.refused == self.prediction_id)


class Field(NamedTuple):
    """One thing that images can be filtered and sorted by.

    Attributes
    ----------
    name : str
    kind : {"text", "number"}
    """

    name: str
    kind: Literal["text", "number"]


@dataclass(frozen=True, eq=False)
class FieldValues:
    """The values of one field, in the order of `Columns.id`.

    Attributes
    ----------
    name : str
    kind : {"text", "number"}
    values : (N,) ndarray of object, or of float64
        Texts, with None where there is none; or numbers, with NaN.
    """

    name: str
    kind: Literal["text", "number"]
    values: np.ndarray


ORIGINS = (None, "hand", "accepted", "imported")
"""Where labels come from; an origin's code, as `LabelOrigins` holds it, is its position here."""


@dataclass(frozen=True, eq=False)
class LabelOrigins:
    """Where the images' present labels come from, as arrays of one length in the order of `id`.

    Merging a category into another one leaves a label its origin, author and time, and undo gives back those that
    the label had before. The arrays are shared between callers and cannot be written.

    Attributes
    ----------
    revision : int
        The revision that the arrays show.
    id : (N,) ndarray of int64
        As of `Columns`.
    origin : (N,) ndarray of uint8
        Positions in `ORIGINS`: by hand, an accepted prediction, or imported with the images or from a table.
    author : (N,) ndarray of int32
        Positions in `authors`, -1 where unlabeled.
    time : (N,) ndarray of float64
        When the label was given, in seconds since 1970; NaN where unlabeled.
    authors : list of str
    """

    revision: int
    id: np.ndarray
    origin: np.ndarray
    author: np.ndarray
    time: np.ndarray
    authors: list[str]


@dataclass(frozen=True)
class ImageDescription:
    """What is known about one image before its pixels are read.

    Attributes
    ----------
    name : str
    height, width, channels, planes : int
    dtype : str
    pixel_size : (float or None, float or None, float or None), optional
        Distance of planes, height and width of a pixel in micrometres, None where unknown.
    """

    name: str
    height: int
    width: int
    channels: int
    planes: int
    dtype: str
    pixel_size: tuple[float | None, float | None, float | None] | None = None


@dataclass(frozen=True, eq=False)
class PredictionArrays:
    """What a classifier said about images.

    Attributes
    ----------
    classes : list of str
        K names.
    ids : (N,) ndarray of int64
        Ascending.
    probabilities : (N, K) ndarray of float32
    """

    classes: list[str]
    ids: np.ndarray
    probabilities: np.ndarray


@dataclass(frozen=True, eq=False)
class Changes:
    """What is different since a revision.

    Attributes
    ----------
    revision : int
        The revision up to which these changes lead.
    image_ids : ndarray of int64, or None
        Images that were added, changed or removed; None when it is cheaper to read everything again.
    categories : bool
        Whether a category was added, renamed, recolored, moved or removed.
    """

    revision: int
    image_ids: np.ndarray | None
    categories: bool


NO_IDS = np.empty(0, dtype=np.int64)
NO_IDS.flags.writeable = False
