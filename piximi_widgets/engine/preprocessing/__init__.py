"""From raw pixels to what a network sees: one plane, some channels, one size, per-channel normalisation.

Training, prediction and evaluation all go through `Framing.take` and `Preprocessing.normalize`, so the same pixels
give the same input everywhere, bit for bit. NumPy and Pillow only.
"""

from .depths import mixed_depths
from .fitting import (
    AUTO_LARGEST,
    AUTO_SMALLEST,
    INPUT_RANGES,
    fit_preprocessing,
    framing_of,
    preprocessing_of,
    resolve_input_shape,
)
from .framing import Framing, Place, cut, largest_value, random_places, resize, resize_within, stack
from .preprocessing import Normalization, Preprocessing, chosen_channels

__all__ = [
    "AUTO_LARGEST",
    "AUTO_SMALLEST",
    "INPUT_RANGES",
    "Framing",
    "Normalization",
    "Place",
    "Preprocessing",
    "chosen_channels",
    "cut",
    "fit_preprocessing",
    "framing_of",
    "largest_value",
    "mixed_depths",
    "preprocessing_of",
    "random_places",
    "resize",
    "resize_within",
    "resolve_input_shape",
    "stack",
]
