"""From raw pixels to what a network sees: one plane, one size, per-channel normalisation. NumPy and Pillow only.

Training, prediction and evaluation all go through `Preprocessing.prepare`, so the same pixels give the same input
everywhere, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from PIL import Image

from ..errors import ImageReadError
from .architectures import minimum_size
from .config import TrainingConfig

AUTO_SMALLEST = 20
AUTO_LARGEST = 128


@dataclass(frozen=True)
class Preprocessing:
    """How raw pixels become a network's input; saved with the classifier.

    Attributes
    ----------
    input_shape : (height, width, channels)
    mean, scale : tuple of float
        Per channel: the input is ``(pixels - mean) / scale``. Measured over the resized training images; a
        constant channel has scale 1. Without normalisation mean is 0 and scale 1.
    plane : int
        The plane that is taken from a stack.
    """

    input_shape: tuple[int, int, int]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    plane: int = 0

    def prepare(self, images: Iterable[np.ndarray]) -> np.ndarray:
        """Return (N, height, width, channels) float32 for images of shape (Z, H, W, C) and any numeric type.

        Raises
        ------
        ImageReadError
            An image has another number of channels, or values that are not finite.
        """
        return self.normalize(stack(images, self.input_shape, plane=self.plane))

    def normalize(self, pixels: np.ndarray) -> np.ndarray:
        """Shift and scale (N, h, w, C) float32 pixels by channel, in place; returns `pixels`."""
        pixels -= np.asarray(self.mean, dtype=np.float32)
        pixels /= np.asarray(self.scale, dtype=np.float32)
        return pixels

    def to_json(self) -> dict[str, Any]:
        """Return a dict of JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        height, width, channels = (int(size) for size in value["input_shape"])
        mean, scale = (tuple(float(number) for number in value[name]) for name in ("mean", "scale"))
        if len(mean) != channels or len(scale) != channels or not np.isfinite([*mean, *scale]).all():
            raise ValueError("the normalisation does not fit the number of channels")
        return cls((height, width, channels), mean, scale, int(value["plane"]))


def resolve_input_shape(config: TrainingConfig, shapes: np.ndarray) -> tuple[int, int, int]:
    """Return the input shape of `config`, with ``"auto"`` derived from the training images.

    Parameters
    ----------
    config : TrainingConfig
    shapes : (N, 3) ndarray of int
        Height, width and channels of the training images.

    Notes
    -----
    auto is the median height and width, scaled down together until the longer side is at most 128 pixels, and each
    at least 20 (more where the architecture needs it); and the channels of the first image.
    """
    if config.input_shape != "auto":
        return config.input_shape
    height, width = np.median(np.asarray(shapes)[:, :2], axis=0)
    reduction = min(1.0, AUTO_LARGEST / max(height, width))
    smallest = max(AUTO_SMALLEST, minimum_size(config.architecture))
    return (
        max(smallest, round(height * reduction)),
        max(smallest, round(width * reduction)),
        int(np.asarray(shapes)[0, 2]),
    )


def fit_preprocessing(pixels: np.ndarray, normalization: str) -> Preprocessing:
    """Measure the normalisation on the training images.

    Parameters
    ----------
    pixels : (N, h, w, C) ndarray of float32
        Resized training images, not normalised; never those of another partition.
    normalization : "training-statistics" or "none"
    """
    _, height, width, channels = pixels.shape
    mean, scale = np.zeros(channels), np.ones(channels)
    if normalization == "training-statistics":
        # Two passes in float64, image by image: exact for 16-bit data, and without a copy of all pixels.
        count = pixels.shape[0] * height * width
        mean = np.sum([image.sum(axis=(0, 1), dtype=np.float64) for image in pixels], axis=0) / count
        squares = np.sum([((image - mean) ** 2).sum(axis=(0, 1)) for image in pixels], axis=0)
        deviation = np.sqrt(squares / count)
        # A constant channel can leave rounding errors of the size of float32's resolution.
        flat = deviation <= np.finfo(np.float32).eps * np.maximum(np.abs(mean), 1e-30)
        scale = np.where(flat, 1.0, deviation)
    # Rounded to float32, the precision in which they are applied: what is recorded is what was used.
    return Preprocessing(
        (height, width, channels),
        tuple(mean.astype(np.float32).tolist()),
        tuple(scale.astype(np.float32).tolist()),
    )


def stack(
    images: Iterable[np.ndarray],
    input_shape: tuple[int, int, int],
    *,
    plane: int = 0,
    names: Sequence[object] | None = None,
    count: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Resize one plane of each (Z, H, W, C) image and stack them to (N, height, width, channels) float32.

    Parameters
    ----------
    images : iterable of ndarray
    input_shape : (height, width, channels)
    plane : int
        The plane to take; of a stack with fewer planes the last.
    names : sequence, optional
        What to call each image in an error; its position otherwise.
    count : int, optional
        The number of images, where `images` has no length: memory is then taken once.
    progress : callable, optional
        Called with the number of images done after each one.

    Raises
    ------
    ImageReadError
        An image has another number of channels, or values that are not finite.
    """
    height, width, channels = input_shape
    if count is None:
        images = list(images)
        count = len(images)
    result = np.empty((count, height, width, channels), dtype=np.float32)
    for index, image in enumerate(images):
        name = names[index] if names is not None else index
        if image.ndim != 4 or image.shape[3] != channels:
            raise ImageReadError(
                f"Image {name} has shape {image.shape}; the network takes planes of {channels} "
                f"channel{'s' if channels != 1 else ''}. Choose images with as many channels as those it was trained on."
            )
        result[index] = resize(image[min(plane, image.shape[0] - 1)], height, width)
        if not np.isfinite(result[index]).all():
            raise ImageReadError(
                f"Image {name} has pixels that are not finite numbers (NaN or infinity). Exclude it, or repair the file."
            )
        if progress is not None:
            progress(index + 1)
    return result


def resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize (H, W, C) of any numeric type to (height, width, C) float32; the aspect ratio is not kept.

    Bilinear, with a support that grows when shrinking, so that fine structure is averaged instead of aliased.
    Pillow computes it channel by channel in floating point: 16-bit values keep their full depth, and the result does
    not depend on the number of threads.
    """
    values = image.astype(np.float32)
    if values.shape[:2] == (height, width):
        return values
    channels = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(values[:, :, c])).resize(
                (width, height), Image.Resampling.BILINEAR
            )
        )
        for c in range(values.shape[2])
    ]
    return np.stack(channels, axis=2)
