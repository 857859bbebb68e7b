"""What an action reports to the code that appends its operation."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .records import NO_IDS


@dataclass(frozen=True, eq=False)
class Outcome:
    """The result of an action before its operation is appended.

    Attributes
    ----------
    message : str
        One sentence for a person.
    changed, skipped : ndarray of int64
        Ids of images.
    reverts : int, optional
        The operation that was taken back.
    """

    message: str
    changed: np.ndarray = field(default_factory=lambda: NO_IDS)
    skipped: np.ndarray = field(default_factory=lambda: NO_IDS)
    reverts: int | None = None


def counted(number: int) -> str:
    """``"1 image"``, ``"2 images"``."""
    return f"{number:,} image{'' if number == 1 else 's'}"
