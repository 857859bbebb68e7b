"""Cells as a microscope's camera sees them: crowded, unevenly lit, more or less in focus, with noise."""

from __future__ import annotations

import numpy as np

from .cell_drawing import REACH, draw
from .cell_plates import CLASSES, FREQUENCIES, place

SIDE = 64
CHANNELS = ("DNA", "actin")

# Drawn around the image too, since blur carries light across its edges.
_MARGIN = 6
_AXIS = np.arange(-_MARGIN, SIDE + _MARGIN) - (SIDE - 1) / 2
_INSIDE = slice(_MARGIN, -_MARGIN)

# How often a neighbor is of each class, and where it lies: at the edge, so that the cell in the middle stays whole.
_NEIGHBORS = (0.62, 0.19, 0.19)
_DISTANCE = (30.0, 44.0)

# Of DNA and actin. Condensed chromosomes and rounded cells are brighter, but no more than stain varies between cells.
_BRIGHTNESS = {"interphase": (1.0, 1.0), "mitotic": (1.5, 1.25), "apoptotic": (1.7, 1.45)}
_STAIN_OF_CELL = (0.3, 0.24)
_STAIN_OF_PLATE = 0.25
_EXPOSURE = 0.15

# Electrons of a pixel of brightness 1, and of empty medium; the camera's values are counts of 12 bits.
_ELECTRONS = (480.0, 400.0)
_BACKGROUND = (14.0, 30.0)
_READ_NOISE = 2.5
_COUNTS_PER_ELECTRON = 1.8
_OFFSET = 140
_LARGEST_COUNT = 4095

_SHARPEST, _BLURRIEST = 0.75, 1.5
_HAZE, _HAZE_WIDTH = 0.18, 5.5


def cell_class(seed: int, index: int) -> str:
    """The class of the cell in the middle of image `index`."""
    return _drawn_class(np.random.default_rng([seed, index]), index)


def cell_image(seed: int, index: int) -> np.ndarray:
    """Make one image; it depends on nothing but its seed and index.

    Parameters
    ----------
    seed, index : int
        Not negative, and below 2 ** 32.

    Returns
    -------
    (64, 64, 2) ndarray of uint16
        `CHANNELS` last, values up to 4095.
    """
    generator = np.random.default_rng([seed, index])
    light = _stained_cells(generator, _drawn_class(generator, index))
    sharp = _blur(_SHARPEST + min(abs(generator.normal(0, 0.4)), _BLURRIEST - _SHARPEST))
    wide = _blur(_HAZE_WIDTH)
    # Light from above and below the focal plane lies over everything as a haze.
    light = (1 - _HAZE) * (sharp @ light @ sharp.T) + _HAZE * (wide @ light @ wide.T)
    *stain, medium = _stain_of_plate(seed, place(index).plate)
    exposure = np.exp(generator.normal(0, _EXPOSURE))
    electrons = light * _by_channel(np.multiply(_ELECTRONS, stain) * exposure)
    electrons += _by_channel(np.multiply(_BACKGROUND, medium))
    down, right = generator.uniform(-0.3, 0.3, 2)
    electrons *= 1 + (down * _AXIS[:, None] + right * _AXIS) / SIDE
    return _photographed(generator, electrons[:, _INSIDE, _INSIDE])


def _drawn_class(generator: np.random.Generator, index: int) -> str:
    """The generator's first draw, so that the class is known without the image."""
    return CLASSES[int(np.searchsorted(np.cumsum(FREQUENCIES[place(index).treatment]), generator.random()))]


def _stained_cells(generator: np.random.Generator, kind: str) -> np.ndarray:
    """(2, H, W) light of a cell of this kind in the middle and of its neighbors, with the margin."""
    middle = generator.uniform(-3, 3, 2)
    cells = [(kind, middle)]
    count = int(generator.integers(1, 6))
    first = generator.uniform(0, 2 * np.pi)
    for number in range(count):
        angle = first + (number + generator.uniform(-0.25, 0.25)) * 2 * np.pi / count
        away = generator.uniform(*_DISTANCE) * np.array([np.sin(angle), np.cos(angle)])
        cells.append((str(generator.choice(CLASSES, p=_NEIGHBORS)), middle + away))
    light = np.zeros((len(CHANNELS), len(_AXIS), len(_AXIS)))
    for kind, (top, left) in cells:
        reach = REACH[kind]
        rows = slice(*np.searchsorted(_AXIS, (top - reach, top + reach)))
        columns = slice(*np.searchsorted(_AXIS, (left - reach, left + reach)))
        stain = np.multiply(_BRIGHTNESS[kind], np.exp(generator.normal(0, _STAIN_OF_CELL)))
        drawn = draw(kind, _AXIS[rows] - top, _AXIS[columns] - left, generator)
        light[:, rows, columns] += _by_channel(stain) * drawn
    return light


def _stain_of_plate(seed: int, plate: int) -> np.ndarray:
    """How strongly a plate's DNA and actin are stained and how bright its medium is, against others."""
    return np.exp(np.random.default_rng([seed, plate, 1]).normal(0, _STAIN_OF_PLATE, 3))


def _blur(sigma: float) -> np.ndarray:
    """The matrix that blurs along an axis by a Gaussian of `sigma` pixels."""
    weights = np.exp(-((_AXIS[:, None] - _AXIS) ** 2) / (2 * sigma**2))
    return weights / weights.sum(axis=1, keepdims=True)


def _photographed(generator: np.random.Generator, electrons: np.ndarray) -> np.ndarray:
    # Electrons come by Poisson's law. Its Gaussian limit, good from a dozen electrons on, draws one value for each
    # pixel whatever its brightness: a last digit that another processor computes otherwise cannot shift all others.
    noise = np.sqrt(electrons + _READ_NOISE**2) * generator.standard_normal(electrons.shape)
    counts = np.round(_OFFSET + _COUNTS_PER_ELECTRON * (electrons + noise))
    return np.moveaxis(np.clip(counts, 0, _LARGEST_COUNT).astype(np.uint16), 0, -1)


def _by_channel(values: np.ndarray) -> np.ndarray:
    return values[:, None, None]
