"""Numbers about the training images' pixels, image by image, so that they may be more than fit into memory.

The result depends on the pixels and their order only: the same bits whether they lie in memory or in a memory map.
"""

from __future__ import annotations

import numpy as np

from ..pixels.mapping import each

PERCENTILES = (1.0, 99.0)
MOST_VALUES = 1 << 20
"""Percentiles are exact up to so many values of a channel, and taken from a sample of that size above it."""

_STREAM = 0x50435449


def mean_and_deviation(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each channel, each (C,) float64.

    Parameters
    ----------
    pixels : (N, h, w, C) ndarray of float32

    Notes
    -----
    In float64, from each image's own mean and its sum of squared differences to it (Chan, Golub and LeVeque, 1983):
    exact also for 16-bit data, in one pass.
    """
    count, height, width, channels = pixels.shape
    values = height * width
    means, squares = np.empty((count, channels)), np.empty((count, channels))
    for index, image in enumerate(each(pixels)):
        by_channel = image.reshape(values, channels).T.astype(np.float64, order="C")
        means[index] = by_channel.sum(axis=1) / values
        by_channel -= means[index][:, None]
        squares[index] = np.square(by_channel, out=by_channel).sum(axis=1)
    mean = means.sum(axis=0) / count
    variance = (squares.sum(axis=0) + values * np.square(means - mean).sum(axis=0)) / (count * values)
    return mean, np.sqrt(variance)


def low_and_high(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 1st and the 99th percentile of each channel, each (C,) float64.

    Of a channel in which nearly all values are equal, so that both percentiles are, the smallest and largest value.

    Parameters
    ----------
    pixels : (N, h, w, C) ndarray of float32
    """
    sample = _sample(pixels)
    low, high = np.percentile(sample, PERCENTILES, axis=0)
    if (low == high).any():
        least = np.min([image.min(axis=(0, 1)) for image in each(pixels)], axis=0).astype(np.float64)
        most = np.max([image.max(axis=(0, 1)) for image in each(pixels)], axis=0).astype(np.float64)
        low, high = np.where(low == high, least, low), np.where(low == high, most, high)
    return low, high


def _sample(pixels: np.ndarray) -> np.ndarray:
    """(n, C) float64: all pixels, or as many of each image at places that depend on nothing but its position."""
    count, height, width, channels = pixels.shape
    values = height * width
    most = max(1, MOST_VALUES // count)
    if most >= values:
        return np.asarray(pixels, dtype=np.float64).reshape(-1, channels)
    result = np.empty((count, most, channels))
    for index, image in enumerate(each(pixels)):
        places = np.random.default_rng([_STREAM, index]).integers(0, values, most)
        result[index] = image.reshape(values, channels)[places]
    return result.reshape(-1, channels)
