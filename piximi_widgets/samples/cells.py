"""Generated cells on generated plates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ProjectError
from ..project import Project
from .building import open_or_build, some_of_each
from .cell_images import CHANNELS, SIDE, cell_class, cell_image
from .cell_plates import CLASSES, image_name, index_of, metadata

if TYPE_CHECKING:
    import pandas as pd

_LARGEST = 100_000
_SEEDS = 2**32


def cells(
    path: str | Path = "cells", *, images: int = 600, labeled: int | None = None, seed: int = 0
) -> Project:
    """Open a project of generated fluorescence images of cells, or make it first.

    Each image is 64x64 pixels of 12-bit values in uint16, DNA in its first channel and actin in its second. The cell
    in its middle is in interphase, mitotic or apoptotic; neighbors of any kind reach in from the edges. Light, stain,
    focus, size and direction vary, so that brightness, the area of the nucleus, or the plate tell little about the
    class. The columns plate, well, row, column, site and treatment say where an image was taken: three plates with
    wells in dimethyl sulfoxide (DMSO), in nocodazole, which holds cells in mitosis, and in staurosporine, which drives
    them into apoptosis; each treatment makes its class twice as frequent as either other one.

    Equally many of each class are labeled; the truth of the others is kept aside, see `cells_truth`. The same seed and
    number of an image give the same image on every machine, however many are made.

    Parameters
    ----------
    path : str or Path
        The project's folder. A project that is already there is opened as it is.
    images : int
        How many images to make, 30 to 100,000; some 100 a second.
    labeled : int, optional
        How many images get their label, a multiple of 3; a third of them by default.
    seed : int
        Draws the cells, and chooses which ones are labeled.

    Returns
    -------
    Project

    Raises
    ------
    ValueError
        A number is out of its range.
    ProjectError
        `path` is a file, or a folder that holds something else.
    """

    def fill(project: Project) -> None:
        if not 30 <= images <= _LARGEST:
            raise ValueError(f"images must be from 30 to {_LARGEST}; got {images}.")
        if not 0 <= seed < _SEEDS:
            raise ValueError(f"seed must be from 0 to {_SEEDS - 1}; got {seed}.")
        truth = np.array([cell_class(seed, index) for index in range(images)])
        rarest = min(int((truth == name).sum()) for name in CLASSES)
        wanted = images // 9 * 3 if labeled is None else labeled
        if wanted % 3 or not 0 <= wanted <= 3 * rarest:
            raise ValueError(f"labeled must be a multiple of 3 from 0 to {3 * rarest}; got {labeled}.")
        for name in CLASSES:
            project.add_category(name)
        pixels = np.empty((images, SIDE, SIDE, len(CHANNELS)), dtype=np.uint16)
        for index in range(images):
            pixels[index] = cell_image(seed, index)
        project.add_images(
            pixels,
            labels=some_of_each(truth, wanted // 3, seed),
            names=[image_name(seed, index) for index in range(images)],
            metadata=metadata(seed, images),
            channels=list(CHANNELS),
        )

    return open_or_build(path, fill)


def cells_truth(project: Project) -> pd.Series:
    """Return the true class of every image of a `cells` project, labeled or not.

    Returns
    -------
    Series of str
        Index id, in the order of the images.
    """
    import pandas as pd

    columns = project.columns()
    values = []
    for name in columns.names:
        found = index_of(name)
        if found is None:
            raise ProjectError(f"{name!r} is not an image of the cells sample.")
        values.append(cell_class(*found))
    return pd.Series(values, index=pd.Index(columns.id, name="id"), name="truth", dtype=str)
