"""What of the preprocessing is taken from the training images: ``auto`` sizes, and the normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from ...imaging.projection import Plane
from ..architectures import minimum_size
from ..config import TrainingConfig
from .framing import Framing
from .preprocessing import Normalization, Preprocessing, chosen_channels
from .statistics import low_and_high, mean_and_deviation

AUTO_SMALLEST = 20
AUTO_LARGEST = 128

INPUT_RANGES: Mapping[str, tuple[float, float]] = MappingProxyType({"mobilenet": (-1.0, 1.0)})
"""The range of values that an architecture was trained with, where its weights come from elsewhere."""


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


def framing_of(config: TrainingConfig, input_shape: tuple[int, int, int]) -> Framing:
    """What a training with `config` takes from an image."""
    return Framing(
        input_shape,
        config.plane,
        chosen_channels(config),
        config.crop,
        config.resize,
        config.aspect,
        bit_depth=config.normalization == "bit-depth",
    )


def preprocessing_of(config: TrainingConfig, pixels: np.ndarray) -> Preprocessing:
    """The preprocessing of a training with `config`: the one place that decides on it.

    Parameters
    ----------
    config : TrainingConfig
    pixels : (N, h, w, C) ndarray of float32
        Training images as `framing_of` takes them, not normalised; never those of another partition.
    """
    return fit_preprocessing(
        pixels,
        config.normalization,
        framing=framing_of(config, pixels.shape[1:]),
        input_range=INPUT_RANGES.get(config.architecture),
    )


def fit_preprocessing(
    pixels: np.ndarray,
    normalization: Normalization,
    *,
    plane: Plane = 0,
    channels: tuple[int, ...] | None = None,
    framing: Framing | None = None,
    input_range: tuple[float, float] | None = None,
) -> Preprocessing:
    """Measure the normalisation on the training images.

    Parameters
    ----------
    pixels : (N, h, w, C) ndarray of float32
        Training images of the input's size, not normalised; never those of another partition.
    normalization : "training-statistics", "bit-depth", "percentile" or "none"
        Mean 0 and deviation 1; 0 to 1 for the values that the data types can have; 0 to 1 for the 1st to the 99th
        percentile, without clipping; or the values as they are. With ``"bit-depth"`` `pixels` are divided already, as
        `Framing` with `bit_depth` does.
    plane, channels
        What was taken from the images; noted, so that the same is taken from others.
    framing : Framing, optional
        All that was done to the images; wins over `plane` and `channels`.
    input_range : (low, high), optional
        What the architecture expects, (-1, 1) for mobilenet. Then ``"training-statistics"`` and ``"percentile"`` bring
        the 1st to the 99th percentile to it, ``"bit-depth"`` 0 and the largest value of the data type.
    """
    _, height, width, count = pixels.shape
    framing = framing or Framing((height, width, count), plane, channels)
    shift, scale = np.zeros(count), np.ones(count)
    if normalization == "training-statistics" and input_range is None:
        shift, deviation = mean_and_deviation(pixels)
        scale = np.where(_is_flat(deviation, shift), 1.0, deviation)
    elif normalization in ("training-statistics", "percentile"):
        low, high = low_and_high(pixels)
        shift, scale = _onto(low, high, input_range or (0.0, 1.0))
    elif normalization == "bit-depth" and input_range is not None:
        shift, scale = _onto(shift, scale, input_range)
    # Rounded to float32, the precision in which they are applied: what is recorded is what was used.
    return Preprocessing(
        (height, width, count),
        tuple(shift.astype(np.float32).tolist()),
        tuple(scale.astype(np.float32).tolist()),
        framing.plane,
        framing.channels,
        framing.crop,
        framing.resize,
        framing.aspect,
        normalization,
    )


def _onto(low: np.ndarray, high: np.ndarray, target: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Shift and scale that bring `low` to ``target[0]`` and `high` to ``target[1]``; a constant channel becomes 0."""
    flat = _is_flat(high - low, low)
    scale = np.where(flat, 1.0, (high - low) / (target[1] - target[0]))
    return np.where(flat, low, low - target[0] * scale), scale


def _is_flat(size: np.ndarray, around: np.ndarray) -> np.ndarray:
    """Whether `size` is nothing but rounding errors of float32 around some value."""
    limit: np.ndarray = np.finfo(np.float32).eps * np.maximum(np.abs(around), 1e-30)
    return size <= limit
