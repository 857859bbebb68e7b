"""Finding image files in folders, globs and lists, and single images in arrays."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ...errors import ImageReadError, SelectionError
from ...imaging import (
    FOREIGN_SUFFIXES,
    IMAGE_SUFFIXES,
    from_labeled,
    is_image_folder,
    is_labeled,
    list_images,
    to_planes,
)
from ..plates.wells import natural
from ..schema import DATABASE_NAME
from .source import Source

# Files that cannot be read are listed too: their report says how they can be.
_LISTED = IMAGE_SUFFIXES | FOREIGN_SUFFIXES.keys()


def walk(images: Any, axes: str | None, channels: int | None, failed: dict[str, str]) -> Iterator[Source]:
    """Every image that a path, a glob, a folder, an array or a list of them means.

    Parameters
    ----------
    images : path-like, ndarray, array with dimension names, or sequence of them
    axes, channels : optional
        The axes of each array, and its number of channels.
    failed : dict of str to str
        Gets the names that lead to no file, and the arrays that are no images, with the reason.

    Raises
    ------
    SelectionError
        If `images` is something else.
    """
    if isinstance(images, (str, os.PathLike)):
        yield from _from_name(os.fspath(images), failed)
    elif is_labeled(images):
        yield from _one_labeled(images, 0, failed)
    elif isinstance(images, np.ndarray):
        yield from _from_array(images, axes, channels)
    elif isinstance(images, Iterable):
        for index, item in enumerate(images):
            if isinstance(item, (str, os.PathLike)):
                yield from _from_name(os.fspath(item), failed)
            elif is_labeled(item):
                yield from _one_labeled(item, index, failed)
            elif isinstance(item, np.ndarray):
                yield from _one_array(item, index, axes, channels, failed)
            else:
                raise SelectionError(
                    f"Image {index} of the list is {type(item).__name__}; it must be a path or an array."
                )
    else:
        raise SelectionError(
            "Images are a path, a glob, a folder, an array, a DataFrame or a list of paths and arrays,"
            f" not {type(images).__name__}."
        )


def _from_array(array: np.ndarray, axes: str | None, channels: int | None) -> Iterator[Source]:
    if axes is not None:
        if array.ndim != len(axes) + 1:
            raise SelectionError(
                f"An array of images with axes={axes!r} has {len(axes) + 1} axes, the first for the images; this one"
                f" has the shape {array.shape}. For one image pass a list: [array]."
            )
    elif array.ndim not in (3, 4, 5):
        raise SelectionError(
            f"An array of images is (N, H, W), (N, H, W, C) or (N, Z, H, W, C); this one has the shape"
            f" {array.shape}. For one image pass a list: [array]."
        )
    elif array.ndim == 3 and 0 < array.shape[2] <= 4 < array.shape[1]:
        raise SelectionError(
            f"The shape {array.shape} looks like one image with {array.shape[2]} channels, but the first axis"
            " counts images. For one image pass a list: [array]."
        )
    _refuse_type(array)
    for index in range(len(array)):
        pixels = _planes(array[index], axes, channels)
        yield Source(key=f"[{index}]", pixels=pixels, remark=_guess(pixels, axes))


def _planes(array: np.ndarray, axes: str | None, channels: int | None) -> np.ndarray:
    try:
        return to_planes(array, axes=axes, channels=channels)
    except ValueError as error:
        raise SelectionError(f"Images of the shape {array.shape} cannot be added: {error}.") from None


def _one_array(
    array: np.ndarray, index: int, axes: str | None, channels: int | None, failed: dict[str, str]
) -> Iterator[Source]:
    try:
        pixels = to_planes(array, axes=axes, channels=channels)
    except ValueError as error:
        failed[f"[{index}]"] = str(error)
    else:
        yield Source(key=f"[{index}]", pixels=pixels, remark=_guess(pixels, axes))


def _guess(pixels: np.ndarray, axes: str | None) -> str | None:
    """A sentence where an array's last axis is too long to be that of channels."""
    planes, height, width, channels = pixels.shape
    if axes is not None or channels <= min(height, width):
        return None
    taken = f"{planes} planes of " if planes > 1 else ""
    told = "ZCYX" if planes > 1 else "CYX"
    return (
        f"The array does not name its axes; it was taken as {taken}{height} x {width} pixels (height x width) with"
        f" {channels} channels. Say axes={told!r} if not."
    )


def _one_labeled(image: Any, index: int, failed: dict[str, str]) -> Iterator[Source]:
    """An xarray-like image, whose own dimension names say more than `axes` could."""
    try:
        pixels, channel_names = from_labeled(image)
    except ValueError as error:
        failed[f"[{index}]"] = str(error)
    else:
        name = getattr(image, "name", None)
        yield Source(
            key=f"[{index}]",
            pixels=pixels,
            channel_names=channel_names,
            name=name if isinstance(name, str) and name.strip() else None,
        )


def _refuse_type(array: np.ndarray) -> None:
    if array.dtype != bool and array.dtype.kind not in "uif":
        raise SelectionError(f"Pixels are whole or real numbers, not {array.dtype}.")
    if array.size == 0 and len(array):
        raise SelectionError(f"Images of the shape {array.shape[1:]} have no pixels.")


def _from_name(name: str, failed: dict[str, str]) -> Iterator[Source]:
    if "://" in name:
        failed[name] = "images are read from disk only; download the file or folder first"
        return
    name = os.path.expanduser(name)
    if is_image_folder(name):
        yield from _zarr_images(name, failed)
    elif os.path.isdir(name):
        found = list(_in_folder(name, failed))
        if not found:
            failed[name] = f"the folder holds no image ({', '.join(sorted(IMAGE_SUFFIXES))})"
        yield from found
    elif not os.path.lexists(name) and glob.has_magic(name):
        matches = sorted(glob.glob(name, recursive=True), key=natural)
        if not matches:
            failed[name] = "no file matches"
        for match in matches:
            if is_image_folder(match):
                yield from _zarr_images(match, failed)
            elif os.path.isdir(match):
                yield from _in_folder(match, failed)
            else:
                yield file_source(match)
    else:
        yield file_source(name)


def _zarr_images(name: str, failed: dict[str, str]) -> Iterator[Source]:
    try:
        yield from map(file_source, list_images(name))
    except ImageReadError as error:
        failed[name] = str(error).removeprefix(f"{name}: ")


def _in_folder(folder: str, failed: dict[str, str]) -> Iterator[Source]:
    for place, folders, files in os.walk(folder):
        if DATABASE_NAME in files:
            # A project inside the folder keeps its own pictures, and caches of pictures.
            folders.clear()
            continue
        folders[:] = sorted((name for name in folders if not name.startswith(".")), key=natural)
        for name in [name for name in folders if is_image_folder(os.path.join(place, name))]:
            folders.remove(name)
            yield from _zarr_images(os.path.join(place, name), failed)
        for name in sorted(files, key=natural):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in _LISTED:
                yield file_source(os.path.join(place, name))


def file_source(name: str) -> Source:
    """The source of one file, which need not be there."""
    return Source(key=name, path=os.path.abspath(os.path.expanduser(name)))
