"""From raw pixels to what a network sees: one plane, some channels, one size, per-channel normalisation.

NumPy and Pillow only. How images are shown plays no part.

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
from ..imaging.projection import Plane, take_plane
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
    plane : int, "middle" or "max"
        The plane that is taken from a stack, or its maximum projection.
    channels : tuple of int, optional
        The channels that are taken, in this order; by default all.
    """

    input_shape: tuple[int, int, int]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    plane: Plane = 0
    channels: tuple[int, ...] | None = None

    def prepare(self, images: Iterable[np.ndarray]) -> np.ndarray:
        """Return (N, height, width, channels) float32 for images of shape (Z, H, W, C) and any numeric type.

        Raises
        ------
        ImageReadError
            An image has another number of channels or lacks a chosen one, or has values that are not finite.
        """
        return self.normalize(stack(images, self.input_shape, plane=self.plane, channels=self.channels))

    def normalize(self, pixels: np.ndarray) -> np.ndarray:
        """Shift and scale (N, h, w, C) float32 pixels by channel, in place; returns `pixels`."""
        pixels -= np.asarray(self.mean, dtype=np.float32)
        pixels /= np.asarray(self.scale, dtype=np.float32)
        return pixels

    @property
    def input_words(self) -> str:
        """The input in words, like ``"32×32×2 (channels 0, 2; plane max)"``; what is as by default goes unsaid."""
        words = []
        if self.channels is not None:
            words.append(f"channel{'s' * (len(self.channels) > 1)} {', '.join(map(str, self.channels))}")
        if self.plane != 0:
            words.append(f"plane {self.plane}")
        return "×".join(map(str, self.input_shape)) + (f" ({'; '.join(words)})" if words else "")

    def to_json(self) -> dict[str, Any]:
        """Return a dict of JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; a record without plane and channels is one of plane 0 and all channels."""
        height, width, channels = (int(size) for size in value["input_shape"])
        mean, scale = (tuple(float(number) for number in value[name]) for name in ("mean", "scale"))
        if len(mean) != channels or len(scale) != channels or not np.isfinite([*mean, *scale]).all():
            raise ValueError("the normalisation does not fit the number of channels")
        # The settings of a training know what a plane and channels can be.
        taken = value.get("channels")
        chosen = TrainingConfig(plane=value.get("plane", 0), channels="all" if taken is None else taken)
        if chosen.channels != "all" and len(chosen.channels) != channels:
            raise ValueError("the chosen channels do not fit the number of channels")
        return cls((height, width, channels), mean, scale, chosen.plane, chosen_channels(chosen))


def chosen_channels(config: TrainingConfig) -> tuple[int, ...] | None:
    """The channels that `config` names, None for all."""
    return None if config.channels == "all" else config.channels


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
    at least 20 (more where the architecture needs it); and the number of chosen channels, or of those of the first
    image.
    """
    if config.input_shape != "auto":
        height, width, channels = config.input_shape
        return height, width, _channels(config, shapes) if channels == "auto" else channels
    height, width = np.median(np.asarray(shapes)[:, :2], axis=0)
    reduction = min(1.0, AUTO_LARGEST / max(height, width))
    smallest = max(AUTO_SMALLEST, minimum_size(config.architecture))
    return (
        max(smallest, round(height * reduction)),
        max(smallest, round(width * reduction)),
        _channels(config, shapes),
    )


def _channels(config: TrainingConfig, shapes: np.ndarray) -> int:
    return int(np.asarray(shapes)[0, 2]) if config.channels == "all" else len(config.channels)


def fit_preprocessing(
    pixels: np.ndarray,
    normalization: str,
    *,
    plane: Plane = 0,
    channels: tuple[int, ...] | None = None,
) -> Preprocessing:
    """Measure the normalisation on the training images.

    Parameters
    ----------
    pixels : (N, h, w, C) ndarray of float32
        Resized training images, not normalised; never those of another partition.
    normalization : "training-statistics" or "none"
    plane, channels
        What `stack` has taken from the images; noted, so that the same is taken from others.
    """
    _, height, width, count = pixels.shape
    mean, scale = np.zeros(count), np.ones(count)
    if normalization == "training-statistics":
        # Two passes in float64, image by image: exact for 16-bit data, and without a copy of all pixels.
        values = pixels.shape[0] * height * width
        mean = np.sum([image.sum(axis=(0, 1), dtype=np.float64) for image in pixels], axis=0) / values
        squares = np.sum([((image - mean) ** 2).sum(axis=(0, 1)) for image in pixels], axis=0)
        deviation = np.sqrt(squares / values)
        # A constant channel can leave rounding errors of the size of float32's resolution.
        flat = deviation <= np.finfo(np.float32).eps * np.maximum(np.abs(mean), 1e-30)
        scale = np.where(flat, 1.0, deviation)
    # Rounded to float32, the precision in which they are applied: what is recorded is what was used.
    return Preprocessing(
        (height, width, count),
        tuple(mean.astype(np.float32).tolist()),
        tuple(scale.astype(np.float32).tolist()),
        plane,
        channels,
    )


def stack(
    images: Iterable[np.ndarray],
    input_shape: tuple[int, int, int],
    *,
    plane: Plane = 0,
    channels: tuple[int, ...] | None = None,
    names: Sequence[object] | None = None,
    count: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Resize one plane of each (Z, H, W, C) image and stack them to (N, height, width, channels) float32.

    Parameters
    ----------
    images : iterable of ndarray
    input_shape : (height, width, channels)
    plane : int, "middle" or "max"
        The plane to take, of a stack with fewer planes the last; or the maximum projection.
    channels : tuple of int, optional
        The channels to take, in this order; by default all.
    names : sequence, optional
        What to call each image in an error; its position otherwise.
    count : int, optional
        The number of images, where `images` has no length: memory is then taken once.
    progress : callable, optional
        Called with the number of images done after each one.

    Raises
    ------
    ImageReadError
        An image has another number of channels or lacks a chosen one, or has values that are not finite.
    """
    height, width, depth = input_shape
    if count is None:
        images = list(images)
        count = len(images)
    result = np.empty((count, height, width, depth), dtype=np.float32)
    for index, image in enumerate(images):
        name = names[index] if names is not None else index
        _check_channels(name, image, depth, channels)
        taken = take_plane(image, plane)
        result[index] = resize(taken if channels is None else taken[..., list(channels)], height, width)
        if not np.isfinite(result[index]).all():
            raise ImageReadError(
                f"Image {name} has pixels that are not finite numbers (NaN or infinity). Exclude it, or repair the file."
            )
        if progress is not None:
            progress(index + 1)
    return result


def _check_channels(name: object, image: np.ndarray, depth: int, channels: tuple[int, ...] | None) -> None:
    if channels is not None:
        if image.ndim != 4 or image.shape[3] <= max(channels):
            raise ImageReadError(
                f"Image {name} has shape {image.shape}; the network takes the channels {', '.join(map(str, channels))}, "
                "counted from 0. Choose images that have them."
            )
    elif image.ndim != 4 or image.shape[3] != depth:
        raise ImageReadError(
            f"Image {name} has shape {image.shape}; the network takes planes of {depth} "
            f"channel{'s' if depth != 1 else ''}. Choose images with as many channels as those it was trained on."
        )


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
