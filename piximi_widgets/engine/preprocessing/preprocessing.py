"""`Preprocessing`: all that is done to raw pixels before a network sees them, as it is saved with a classifier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np

from ...imaging.projection import Plane
from ..config import TrainingConfig
from .framing import Aspect, Crop, Framing, Resize, stack

Normalization = Literal["training-statistics", "bit-depth", "percentile", "none"]


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
    crop, resize, aspect : str
        How an image is brought to the input's size; see `Framing`. A crop is always the middle one here.
    normalization : str
        Where `mean` and `scale` come from. With ``"bit-depth"`` each image's values are first divided by the largest
        value of its own data type.
    """

    input_shape: tuple[int, int, int]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    plane: Plane = 0
    channels: tuple[int, ...] | None = None
    crop: Crop = "none"
    resize: Resize = "bilinear"
    aspect: Aspect = "stretch"
    normalization: Normalization = "training-statistics"

    @property
    def framing(self) -> Framing:
        """What is taken from an image, before the normalisation."""
        return Framing(
            self.input_shape,
            self.plane,
            self.channels,
            self.crop,
            self.resize,
            self.aspect,
            bit_depth=self.normalization == "bit-depth",
        )

    def prepare(self, images: Iterable[np.ndarray]) -> np.ndarray:
        """Return (N, height, width, channels) float32 for images of shape (Z, H, W, C) and any numeric type.

        Raises
        ------
        ImageReadError
            An image has another number of channels or lacks a chosen one, or has values that are not finite.
        """
        return self.normalize(stack(images, self.input_shape, framing=self.framing))

    def normalize(self, pixels: np.ndarray) -> np.ndarray:
        """Shift and scale (N, h, w, C) float32 pixels by channel, in place; returns `pixels`."""
        width, channels = pixels.shape[-2:]
        mean, scale = np.asarray(self.mean, dtype=np.float32), np.asarray(self.scale, dtype=np.float32)
        rows = pixels
        if pixels.flags.c_contiguous:
            # Row by row: with few channels last, NumPy takes six times as long pixel by pixel.
            rows = pixels.reshape(-1, width * channels)
            mean, scale = np.tile(mean, width), np.tile(scale, width)
        rows -= mean
        rows /= scale
        return pixels

    @property
    def input_words(self) -> str:
        """The input in words, like ``"32×32×2 (channels 0, 2; plane max)"``; what is as by default goes unsaid."""
        words = []
        if self.channels is not None:
            words.append(f"channel{'s' * (len(self.channels) > 1)} {', '.join(map(str, self.channels))}")
        if self.plane != 0:
            words.append(f"plane {self.plane}")
        if self.crop == "match":
            words.append("cropped")
        elif self.aspect == "keep":
            words.append("proportions kept")
        return "×".join(map(str, self.input_shape)) + (f" ({'; '.join(words)})" if words else "")

    def to_json(self) -> dict[str, Any]:
        """Return a dict of JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; what a record of an older version does not name is as by default."""
        height, width, channels = (int(size) for size in value["input_shape"])
        mean, scale = (tuple(float(number) for number in value[name]) for name in ("mean", "scale"))
        if len(mean) != channels or len(scale) != channels or not np.isfinite([*mean, *scale]).all():
            raise ValueError("the normalisation does not fit the number of channels")
        if not all(scale):
            raise ValueError("a channel would be divided by zero")
        # The settings of a training know what the others can be.
        named = {name: value.get(name, getattr(cls, name)) for name in _SETTINGS}
        taken = value.get("channels")
        shape = height, width, channels
        chosen = TrainingConfig(**named, input_shape=shape, channels="all" if taken is None else taken)
        if chosen.channels != "all" and len(chosen.channels) != channels:
            raise ValueError("the chosen channels do not fit the number of channels")
        settings = {name: getattr(chosen, name) for name in _SETTINGS}
        return cls((height, width, channels), mean, scale, channels=chosen_channels(chosen), **settings)


_SETTINGS = ("plane", "crop", "resize", "aspect", "normalization")


def chosen_channels(config: TrainingConfig) -> tuple[int, ...] | None:
    """The channels that `config` names, None for all."""
    return None if config.channels == "all" else config.channels
