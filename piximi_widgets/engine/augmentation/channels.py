"""What the training images look like, by which draws are scaled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..config import TrainingConfig
from ..partitions import Partition

_CHUNK_VALUES = 2**24
_SCALED = ("brightness", "contrast", "noise", "cutout")


@dataclass(frozen=True)
class Channels:
    """Mean and deviation of each channel of the training images, as the network sees them.

    Attributes
    ----------
    mean, deviation : (C,) ndarray of float32
    """

    mean: np.ndarray
    deviation: np.ndarray


def measure_channels(config: TrainingConfig, training: Partition) -> Channels:
    """Measure the images, some at a time; 0 and 1 where no draw is scaled by them.

    Also those that were normalised: mobilenet's range and the statistics of a base are not theirs.
    """
    count = training.pixels.shape[-1]
    mean, deviation = np.zeros(count), np.ones(count)
    if any(getattr(config, name) for name in _SCALED) and len(training):
        size = max(1, _CHUNK_VALUES // max(1, training.pixels[0].size))
        chunks = [slice(start, start + size) for start in range(0, len(training), size)]
        values = training.pixels.size // count
        mean = sum(training.take(chunk).sum(axis=(0, 1, 2), dtype=np.float64) for chunk in chunks) / values
        squares = sum(((training.take(chunk) - mean) ** 2).sum(axis=(0, 1, 2)) for chunk in chunks)
        deviation = np.sqrt(squares / values)
    return Channels(mean.astype(np.float32), deviation.astype(np.float32))
