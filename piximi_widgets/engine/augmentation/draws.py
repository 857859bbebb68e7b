"""What is drawn for each training image of one epoch, in NumPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..config import TrainingConfig
from .views import compose

# Every kind of draw has a stream of its own, so that one setting does not change what another draws. The order of the
# images has the seed and the epoch alone. A number, once given, stays: records repeat by it.
_SHIFT, _HORIZONTAL, _VERTICAL, _TURNS, _ROTATION, _ZOOM, _BRIGHTNESS, _CONTRAST, _NOISE, _CUTOUT = range(
    1, 11
)


@dataclass(frozen=True)
class Draws:
    """One epoch's draws for N images; None where the settings leave the images as they are.

    Attributes
    ----------
    view : (N,) ndarray of int64
        Flips and quarter turns as one of eight views, see `views`; zeros without any.
    turned : bool
        Whether the settings ask for flips or quarter turns.
    transform : (N, 8) ndarray of float32, optional
        Rotation, zoom and shift: projective transforms from output to input pixels, as TensorFlow's
        ImageProjectiveTransformV3 takes them. What comes in from outside repeats the edge.
    contrast : (N, C) ndarray of float32, optional
        Factor by which each channel is stretched around its mean.
    brightness : (N, C) ndarray of float32, optional
        What is added to each channel, in standard deviations of the training images.
    noise : (N, 2) ndarray of int32, optional
        Seeds of the noise.
    cutout : (N, 4) ndarray of int32, optional
        First row and column of the blanked rectangle, and the ones behind its last.
    """

    view: np.ndarray
    turned: bool = False
    transform: np.ndarray | None = None
    contrast: np.ndarray | None = None
    brightness: np.ndarray | None = None
    noise: np.ndarray | None = None
    cutout: np.ndarray | None = None

    @property
    def continuous(self) -> bool:
        """Whether more than views is drawn, so that hardly an image looks twice the same."""
        return bool(self.arrays().keys() - {"view"})

    def arrays(self) -> dict[str, np.ndarray]:
        """Return by name what changes an image; which names there are follows from the settings alone."""
        names = ("transform", "contrast", "brightness", "noise", "cutout")
        found = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        return {"view": self.view, **found} if self.turned else found


def draw(config: TrainingConfig, shape: tuple[int, ...], epoch: int) -> Draws:
    """Draw how each training image is varied in `epoch`.

    Parameters
    ----------
    config : TrainingConfig
    shape : (N, h, w, C)
    epoch : int
        From 1.
    """
    count, height, width, channels = shape
    contrast = _uniform(config, epoch, _CONTRAST, config.contrast, (count, channels))
    noise = None
    if config.noise:
        noise = _generator(config, epoch, _NOISE).integers(0, 2**31, (count, 2)).astype(np.int32)
    return Draws(
        view=_views(config, count, epoch, square=height == width),
        turned=config.horizontal_flip or config.vertical_flip or config.quarter_turns,
        transform=_transforms(config, shape, epoch),
        contrast=None if contrast is None else 1 + contrast,
        brightness=_uniform(config, epoch, _BRIGHTNESS, config.brightness, (count, channels)),
        noise=noise,
        cutout=_rectangles(config, shape, epoch),
    )


def _generator(config: TrainingConfig, epoch: int, stream: int) -> np.random.Generator:
    return np.random.default_rng([config.seed, epoch, stream])


def _uniform(
    config: TrainingConfig, epoch: int, stream: int, limit: float, shape: tuple[int, ...]
) -> np.ndarray | None:
    if not limit:
        return None
    return _generator(config, epoch, stream).uniform(-limit, limit, shape).astype(np.float32)


def _views(config: TrainingConfig, count: int, epoch: int, *, square: bool) -> np.ndarray:
    def numbers(wanted: bool, stream: int, choices: int) -> np.ndarray:
        if not wanted:
            return np.zeros(count, dtype=np.int64)
        return _generator(config, epoch, stream).integers(0, choices, count)

    mirrored = numbers(config.horizontal_flip, _HORIZONTAL, 2)
    flipped = numbers(config.vertical_flip, _VERTICAL, 2)
    # A quarter turn would swap the sides, which the network takes as they are.
    turns = (
        numbers(config.quarter_turns, _TURNS, 4) if square else 2 * numbers(config.quarter_turns, _TURNS, 2)
    )
    return compose(mirrored, flipped, turns)


def _transforms(config: TrainingConfig, shape: tuple[int, ...], epoch: int) -> np.ndarray | None:
    if not (config.rotation or config.zoom or config.shift):
        return None
    count, height, width = shape[:3]

    def numbers(stream: int, limit: float) -> np.ndarray:
        drawn = _generator(config, epoch, stream).uniform(-limit, limit, count) if limit else np.zeros(count)
        return np.asarray(drawn)

    shift = np.zeros((count, 2))
    if config.shift:
        shift = _generator(config, epoch, _SHIFT).uniform(-config.shift, config.shift, (count, 2))
    angle, size = np.deg2rad(numbers(_ROTATION, config.rotation)), 1 + numbers(_ZOOM, config.zoom)
    # From output to input, hence the inverse: turned back and shrunk around the middle, then shifted.
    cosine, sine = np.cos(angle) / size, np.sin(angle) / size
    x, y = (width - 1) / 2, (height - 1) / 2
    transforms = np.zeros((count, 8))
    transforms[:, 0], transforms[:, 1] = cosine, -sine
    transforms[:, 3], transforms[:, 4] = sine, cosine
    transforms[:, 2] = x - cosine * x + sine * y + shift[:, 0] * width
    transforms[:, 5] = y - sine * x - cosine * y + shift[:, 1] * height
    return transforms.astype(np.float32)


def _rectangles(config: TrainingConfig, shape: tuple[int, ...], epoch: int) -> np.ndarray | None:
    if not config.cutout:
        return None
    count, height, width = shape[:3]
    tall, wide = (max(1, round(config.cutout * side)) for side in (height, width))
    generator = _generator(config, epoch, _CUTOUT)
    top = generator.integers(0, height - tall + 1, count)
    left = generator.integers(0, width - wide + 1, count)
    return np.stack([top, left, top + tall, left + wide], axis=1).astype(np.int32)
