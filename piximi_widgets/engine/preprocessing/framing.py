"""From an image to the pixels that a network sees: some channels of one plane, cut or resized to one size.

NumPy and Pillow only, one image at a time, and nothing random but the places that the caller gives. How images are
shown plays no part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image

from ...errors import ImageReadError
from ...imaging.projection import Plane, take_plane

Crop = Literal["none", "match"]
Resize = Literal["bilinear", "bicubic", "nearest"]
Aspect = Literal["stretch", "keep"]
Place = tuple[float, float] | None
"""Where a crop lies between the top left (0, 0) and the bottom right (1, 1) of what is possible; None is the middle."""

_METHODS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "nearest": Image.Resampling.NEAREST,
}
# Sets the places of crops apart from everything else that is drawn from the same seed.
_STREAM = 0x43524F50


@dataclass(frozen=True)
class Framing:
    """What is taken from an image, and how it is brought to the size of a network's input.

    Attributes
    ----------
    input_shape : (height, width, channels)
    plane : int, "middle" or "max"
        The plane to take, of a stack with fewer planes the last; or the maximum projection.
    channels : tuple of int, optional
        The channels to take, in this order; by default all.
    crop : "none" or "match"
        Resize the whole image; or cut out a piece of the input's size, after a border of zeros around a smaller image.
    resize : "bilinear", "bicubic" or "nearest"
    aspect : "stretch" or "keep"
        Fill the input; or keep the proportions, and repeat the image's edge where that leaves room.
    bit_depth : bool
        Whether values are divided by the largest one of the image's own data type.
    """

    input_shape: tuple[int, int, int]
    plane: Plane = 0
    channels: tuple[int, ...] | None = None
    crop: Crop = "none"
    resize: Resize = "bilinear"
    aspect: Aspect = "stretch"
    bit_depth: bool = False

    def take(self, image: np.ndarray, name: object, places: Sequence[Place] = (None,)) -> np.ndarray:
        """Bring one image to the size of the input.

        Parameters
        ----------
        image : (Z, H, W, C) ndarray of any numeric type
        name : object
            What to call the image in an error.
        places : sequence
            Where to cut, once for each crop.

        Returns
        -------
        (P, height, width, channels) ndarray of float32
            One for each place.

        Raises
        ------
        ImageReadError
            The image has another number of channels or lacks a chosen one, or has values that are not finite.
        """
        height, width, depth = self.input_shape
        _check_channels(name, image, depth, self.channels)
        plane = take_plane(image, self.plane)
        if self.channels is not None:
            plane = plane[..., list(self.channels)]
        if self.crop == "match":
            result = np.stack([cut(plane, height, width, place) for place in places])
        else:
            whole = resize if self.aspect == "stretch" else resize_within
            result = np.stack([whole(plane, height, width, self.resize)] * len(places))
        if self.bit_depth:
            result /= np.float32(largest_value(image.dtype))
        if not np.isfinite(result).all():
            raise ImageReadError(
                f"Image {name} has pixels that are not finite numbers (NaN or infinity). Exclude it, or repair the file."
            )
        return result


def random_places(seed: int, image_id: int, count: int) -> list[Place]:
    """Where the crops of a training image lie: drawn once, the same for the same seed and image."""
    drawn = np.random.default_rng([seed, _STREAM, image_id]).random((count, 2))
    return [(float(down), float(right)) for down, right in drawn]


def largest_value(dtype: np.dtype[Any]) -> float:
    """The largest value of a data type of whole numbers; 1 for truth values and floating point."""
    return float(np.iinfo(dtype).max) if dtype.kind in "iu" else 1.0


def cut(plane: np.ndarray, height: int, width: int, place: Place = None) -> np.ndarray:
    """Cut (H, W, C) of any numeric type to (height, width, C) float32 without resampling.

    Where the plane is smaller it gets a border of zeros: half of what is missing, rounded down, above and to the left.

    Parameters
    ----------
    plane : (H, W, C) ndarray
    height, width : int
    place : (down, right), optional
        Each from 0 to 1 of what is left over; by default the middle, rounded to the top left.
    """
    result = np.zeros((height, width, plane.shape[2]), dtype=np.float32)
    source, target = [], []
    for axis, wanted in enumerate((height, width)):
        rest = plane.shape[axis] - wanted
        if rest >= 0:
            start = rest // 2 if place is None else min(rest, int(place[axis] * (rest + 1)))
            source.append(slice(start, start + wanted))
            target.append(slice(None))
        else:
            source.append(slice(None))
            target.append(slice(-rest // 2, -rest // 2 + plane.shape[axis]))
    result[tuple(target)] = plane[tuple(source)]
    return result


def resize(image: np.ndarray, height: int, width: int, method: Resize = "bilinear") -> np.ndarray:
    """Resize (H, W, C) of any numeric type to (height, width, C) float32; the aspect ratio is not kept.

    Bilinear and bicubic with a support that grows when shrinking, so that fine structure is averaged instead of
    aliased. Pillow computes it channel by channel in floating point: 16-bit values keep their full depth, and the
    result does not depend on the number of threads.
    """
    if image.shape[:2] == (height, width):
        return image.astype(np.float32)
    result = np.empty((height, width, image.shape[2]), dtype=np.float32)
    for channel in range(image.shape[2]):
        values = Image.fromarray(np.ascontiguousarray(image[:, :, channel], dtype=np.float32))
        result[:, :, channel] = np.asarray(values.resize((width, height), _METHODS[method]))
    return result


def resize_within(image: np.ndarray, height: int, width: int, method: Resize = "bilinear") -> np.ndarray:
    """As `resize`, with the proportions of the image; the rest repeats its edge, evenly on both sides."""
    factor = min(height / image.shape[0], width / image.shape[1])
    inner = [
        min(side, max(1, round(own * factor)))
        for own, side in zip(image.shape, (height, width), strict=False)
    ]
    down, right = height - inner[0], width - inner[1]
    border = ((down // 2, down - down // 2), (right // 2, right - right // 2), (0, 0))
    return np.pad(resize(image, inner[0], inner[1], method), border, mode="edge")


def stack(
    images: Iterable[np.ndarray],
    input_shape: tuple[int, int, int],
    *,
    plane: Plane = 0,
    channels: tuple[int, ...] | None = None,
    names: Sequence[object] | None = None,
    count: int | None = None,
    progress: Callable[[int], None] | None = None,
    framing: Framing | None = None,
) -> np.ndarray:
    """Bring (Z, H, W, C) images to one size and stack them to (N, height, width, channels) float32.

    Parameters
    ----------
    images : iterable of ndarray
    input_shape : (height, width, channels)
    plane, channels
        See `Framing`.
    names : sequence, optional
        What to call each image in an error; its position otherwise.
    count : int, optional
        The number of images, where `images` has no length: memory is then taken once.
    progress : callable, optional
        Called with the number of images done after each one.
    framing : Framing, optional
        Wins over the other settings.

    Raises
    ------
    ImageReadError
        An image has another number of channels or lacks a chosen one, or has values that are not finite.
    """
    framing = framing or Framing(input_shape, plane, channels)
    if count is None:
        images = list(images)
        count = len(images)
    result = np.empty((count, *framing.input_shape), dtype=np.float32)
    for index, image in enumerate(images):
        result[index] = framing.take(image, names[index] if names is not None else index)[0]
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
