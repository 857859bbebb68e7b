"""Images whose values mean different things: 255 is white in one file, and black in another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from .preprocessing import Normalization

_MEASURED = ("training-statistics", "percentile")


def mixed_depths(normalization: Normalization, dtypes: Iterable[str]) -> str | None:
    """Say why images of these data types cannot be normalised together; None where they can.

    A normalisation that is measured is the same for all images. Beside images of 16 bits it makes those of 8 bits, whose
    values end at 255, all but black. ``"bit-depth"`` scales each image by its own data type, and ``"none"`` takes the
    values as they are, as somebody wished. Wider types of whole numbers, and floating point, hold measured values, and
    are taken for values of one kind.

    Parameters
    ----------
    normalization : str
        As in `TrainingConfig`.
    dtypes : iterable of str
        The data type of each image, like ``"uint8"``.
    """
    if normalization not in _MEASURED:
        return None
    whole = {name: n for name, n in sorted(Counter(dtypes).items()) if np.dtype(name).kind in "iu"}
    if len({np.dtype(name).itemsize > 1 for name in whole}) < 2:
        return None
    found = ", ".join(f"{count} {name}" for name, count in whole.items())
    return (
        f"The images have whole numbers of 8 bits and of more ({found}), so that the same value is bright in some and dark "
        "in others, and no common normalization fits. Choose the normalization 'bit-depth', which divides each image by the "
        "largest value of its own data type; or convert or exclude the images that differ."
    )
