"""One image that is to be added."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Source:
    """One image to add: one file or several, or pixels.

    Attributes
    ----------
    key : str
        How reports call it: the path, or the array's position.
    path : str, optional
        The file, or the first one of several.
    pixels : (Z, H, W, C) ndarray, optional
    files : tuple of str
        Further files, which hold other channels or planes.
    grid : (int, int), optional
        How the files are joined: planes, and files for each plane.
    channel_names : tuple of str, optional
    remark : str, optional
        What is odd about the files, for the report.
    label : str, optional
    metadata : dict, optional
    name : str, optional
        By default the file's name, or a number.
    """

    key: str
    path: str | None = None
    pixels: np.ndarray | None = None
    label: str | None = None
    metadata: dict[str, Any] | None = None
    name: str | None = None
    files: tuple[str, ...] = ()
    grid: tuple[int, int] | None = None
    channel_names: tuple[str, ...] | None = None
    remark: str | None = None
