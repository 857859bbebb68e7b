"""Random views of the training images, drawn anew for every epoch."""

from __future__ import annotations

import numpy as np

from .config import TrainingConfig

# Separates this stream of random numbers from that of the order, which has the same seed and epoch.
_STREAM = 1


def shift_transforms(config: TrainingConfig, shape: tuple[int, ...], epoch: int) -> np.ndarray:
    """Draw how far each training image is shifted in `epoch`.

    Parameters
    ----------
    config : TrainingConfig
        Images move by up to ``config.shift`` times their height and width, in fractions of a pixel.
    shape : (N, h, w, C)
    epoch : int
        From 1.

    Returns
    -------
    (N, 8) ndarray of float32
        Projective transforms from output to input pixels, as TensorFlow's ImageProjectiveTransformV3 takes them.
        What comes in from outside repeats the edge.
    """
    count, height, width = shape[:3]
    transforms = np.zeros((count, 8), dtype=np.float32)
    transforms[:, [0, 4]] = 1.0
    if config.shift:
        generator = np.random.default_rng([config.seed, epoch, _STREAM])
        fractions = generator.uniform(-config.shift, config.shift, (count, 2))
        transforms[:, [2, 5]] = fractions * (width, height)
    return transforms
