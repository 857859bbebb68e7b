"""Real digits, written by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ..errors import ProjectError
from ..project import Project
from .building import open_or_build, some_of_each

if TYPE_CHECKING:
    import pandas as pd

_DIGIT_SIDE = 32
_NAME = "digit {:04d}"


def digits(path: str | Path = "digits", *, labeled: int = 300, seed: int = 0) -> Project:
    """Open a project of 1797 handwritten digits, or make it first.

    The images are scikit-learn's digits (8x8 pixels, from the UCI machine learning repository), enlarged to 32x32.
    Equally many of each digit are labeled; the truth of the others is kept aside, see `digits_truth`.

    Parameters
    ----------
    path : str or Path
        The project's folder. A digits project that is already there is opened as it is.
    labeled : int
        How many images get their label, of 1797; only used when the project is made.
    seed : int
        Chooses which ones.

    Returns
    -------
    Project

    Raises
    ------
    ValueError
        `labeled` is not a multiple of 10 from 0 to 1740.
    ProjectError
        `path` is a file, or a folder that holds something else.
    """

    def fill(project: Project) -> None:
        if labeled % 10 or not 0 <= labeled <= 1740:
            raise ValueError(f"labeled must be a multiple of 10 from 0 to 1740; got {labeled}.")
        pixels, truth = _load()
        for digit in range(10):
            project.add_category(str(digit))
        names = [_NAME.format(row) for row in range(len(pixels))]
        project.add_images(pixels, labels=some_of_each(truth, labeled // 10, seed), names=names)

    return open_or_build(path, fill)


def digits_truth(project: Project) -> pd.Series:
    """Return the true digit of every image of a `digits` project, labeled or not.

    Returns
    -------
    Series of str
        Index id, in the order of the images.
    """
    import pandas as pd

    _, truth = _load()
    rows = {_NAME.format(row): str(digit) for row, digit in enumerate(truth)}
    columns = project.columns()
    try:
        values = [rows[name] for name in columns.names]
    except KeyError as error:
        raise ProjectError(f"{error.args[0]!r} is not an image of the digits sample.") from None
    return pd.Series(values, index=pd.Index(columns.id, name="id"), name="truth")


def _load() -> tuple[np.ndarray, np.ndarray]:
    """The digits as (1797, 32, 32) uint8 and their truth as (1797,) int."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    # The pixels are counts from 0 to 16.
    small = np.round(bunch.images * (255 / 16)).astype(np.uint8)
    size = (_DIGIT_SIDE, _DIGIT_SIDE)
    large = [np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC)) for image in small]
    return np.stack(large), bunch.target
