"""Images of any kind and number, as a person passes them to a classifier: arrays, files, folders, globs, generators."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..dataset.adding.walking import walk
from ..errors import ImageReadError
from ..imaging import from_labeled, is_labeled, read_pixels, to_planes

Name = str | int
"""What an image is called: its path, or its position among those that were given."""


@dataclass(frozen=True, eq=False)
class Image:
    """One image that is to be predicted.

    Attributes
    ----------
    name : str or int
    read : callable
        Returns its pixels, (Z, H, W, C) of any numeric type; raises ImageReadError.
    """

    name: Name
    read: Callable[[], np.ndarray]


def images_of(images: Any) -> tuple[Iterable[Image], int]:
    """Every image that an array, a path, or a list or generator of them means; nothing is read yet.

    Parameters
    ----------
    images : (N, H, W), (N, H, W, C) or (N, Z, H, W, C) ndarray, path-like, image with dimension names, or iterable
        A path is a file, a folder, whose images and those in its subfolders are taken in natural order, or a glob. A
        single image in a list or from a generator is (H, W), (H, W, C) or (Z, H, W, C).

    Returns
    -------
    images : iterable of Image
    count : int
        0 where only the end of a generator would tell.

    Raises
    ------
    ImageReadError
        `images` is no such thing, or a name leads to no image.
    """
    if isinstance(images, np.ndarray):
        return _of_array(images), len(images)
    if isinstance(images, str | os.PathLike) or is_labeled(images):
        images = [images]
    if not isinstance(images, Iterable):
        raise ImageReadError(
            f"Images are an array, a file, a folder, a glob, or a list of these; got {type(images).__name__}."
        )
    if isinstance(images, Sequence):
        listed = list(_of_items(images))
        return listed, len(listed)
    return _of_items(images), 0


def _of_array(array: np.ndarray) -> Iterable[Image]:
    if array.ndim not in (3, 4, 5):
        raise ImageReadError(
            f"An array of images has the shape (N, height, width), (N, height, width, channels) or (N, planes, "
            f"height, width, channels); got {array.shape}. Put a single image into a list."
        )
    if array.ndim == 3 and 0 < array.shape[2] <= 4 < array.shape[1]:
        raise ImageReadError(
            f"The shape {array.shape} looks like one image with {array.shape[2]} channels, but the first axis counts "
            "images. Put a single image into a list."
        )
    # A view each: of a memory map, only what is being prepared is read.
    return (Image(index, partial(_planes, index, array[index])) for index in range(len(array)))


def _of_items(items: Iterable[Any]) -> Iterator[Image]:
    for position, item in enumerate(items):
        if isinstance(item, str | os.PathLike):
            yield from _of_path(os.fspath(item))
        elif is_labeled(item):
            yield Image(position, partial(_labeled, position, item))
        else:
            yield Image(position, partial(_planes, position, item))


def _of_path(path: str) -> Iterator[Image]:
    failed: dict[str, str] = {}
    for source in walk(path, None, None, failed):
        yield Image(source.key, partial(read_pixels, source.path or source.key))
    for name, reason in failed.items():
        raise ImageReadError(f"{name}: {reason}")


def _planes(name: Name, array: Any) -> np.ndarray:
    try:
        return to_planes(np.asarray(array))
    except ValueError as error:
        raise ImageReadError(f"Image {name} cannot be predicted: {error}.") from None


def _labeled(name: Name, image: Any) -> np.ndarray:
    try:
        return from_labeled(image)[0]
    except ValueError as error:
        raise ImageReadError(f"Image {name} cannot be predicted: {error}.") from None
