"""From what a person passes to ``add_images`` to a flat list of image sources."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
from ..frames import BUILT_IN_COLUMNS
from ..plates.joining import join
from ..plates.wells import natural
from ..schema import DATABASE_NAME
from .alignment import aligned_labels, aligned_metadata, aligned_names, in_order_of, is_frame
from .metadata_tables import file_paths

# Files that cannot be read are listed too: their report says how they can be.
_LISTED = IMAGE_SUFFIXES | FOREIGN_SUFFIXES.keys()


@dataclass(frozen=True, eq=False)
class Source:
    """One image to add: one file or several, or pixels.

    Attributes
    ----------
    key : str
        How reports call it: the path, or the array's position.
    path : str, optional
        The file, or the first one of several.
    pixels : (Z, H, W, C) ndarray, optional
    files : tuple of str
        Further files, which hold other channels or planes.
    grid : (int, int), optional
        How the files are joined: planes, and files for each plane.
    channel_names : tuple of str, optional
    remark : str, optional
        What is odd about the files, for the report.
    label : str, optional
    metadata : dict, optional
    name : str, optional
        By default the file's name, or a number.
    """

    key: str
    path: str | None = None
    pixels: np.ndarray | None = None
    label: str | None = None
    metadata: dict[str, Any] | None = None
    name: str | None = None
    files: tuple[str, ...] = ()
    grid: tuple[int, int] | None = None
    channel_names: tuple[str, ...] | None = None
    remark: str | None = None


def expand(
    images: Any,
    labels: Any,
    metadata: Any,
    names: Any = None,
    *,
    pattern: str | None = None,
    axes: str | None = None,
    channels: int | None = None,
) -> tuple[list[Source], dict[str, str]]:
    """List every image that is meant, with its label and metadata.

    Parameters
    ----------
    images, labels, metadata, names
        As ``add_images`` takes them.
    pattern : str, optional
        By which files are joined to images.
    axes, channels : optional
        The axes of each array, and its number of channels.

    Returns
    -------
    sources : list of Source
    failed : dict of str to str
        Names that lead to no file, with the reason.

    Raises
    ------
    SelectionError
        If labels or metadata cannot belong to these images; nothing has been written then.
    """
    failed: dict[str, str] = {}
    if is_frame(images):
        sources, labels, metadata = _from_frame(images, labels, metadata)
        if pattern is not None:
            labels, metadata = _by_path(images, labels, metadata)
    else:
        sources = list(_walk(images, axes, channels, failed))
        if isinstance(labels, str) and labels != "folder":
            raise SelectionError(
                f'labels={labels!r} names a column, but the images are no DataFrame; labels="folder" takes the'
                " parent folder's name."
            )
    if pattern is not None:
        listed = sources
        sources = _joined(sources, pattern, failed)
        if not isinstance(images, (str, os.PathLike)) or _by_position(labels, metadata, names):
            # What stands at a position means the order in which the files were given.
            position = {source.path: number for number, source in reversed(list(enumerate(listed)))}
            sources.sort(key=lambda source: min(position[path] for path in file_paths(source)))
    texts = aligned_labels(labels, sources)
    rows = aligned_metadata(metadata, sources)
    given = aligned_names(names, sources)
    labeled = [
        source
        if text is None and row is source.metadata and name is None
        else replace(source, label=text, metadata=row, name=name or source.name)
        for source, text, row, name in zip(sources, texts, rows, given, strict=True)
    ]
    return labeled, failed


def _by_position(labels: Any, metadata: Any, names: Any) -> bool:
    """Whether something is given as one value for each image, in the images' order."""
    listed = labels is not None and not isinstance(labels, (str, Mapping))
    return listed or metadata is not None or names is not None


def _joined(sources: Sequence[Source], pattern: str, failed: dict[str, str]) -> list[Source]:
    """One source for each image whose channels or planes lie in several files."""
    if any(source.path is None for source in sources):
        raise SelectionError(
            "pattern= joins files by their names; arrays have none. Add the arrays by themselves."
        )
    images, unmatched = join([source.path for source in sources if source.path], pattern)
    key_of = {source.path: source.key for source in sources}
    failed.update({key_of[path]: reason for path, reason in unmatched.items()})
    return [
        Source(
            key=key_of[image.paths[0]],
            path=image.paths[0],
            files=image.paths[1:],
            grid=image.grid if len(image.paths) > 1 else None,
            channel_names=image.channel_names,
            metadata=dict(image.metadata),
            name=image.name,
            remark=" ".join(image.problems) or None,
        )
        for image in images
    ]


def _from_frame(frame: Any, labels: Any, metadata: Any) -> tuple[list[Source], Any, Any]:
    if "path" not in frame.columns:
        raise SelectionError(
            f"A DataFrame of images needs a column named 'path'; this one has {[str(c) for c in frame.columns]}."
        )
    sources = []
    for path in frame["path"]:
        if not isinstance(path, (str, os.PathLike)):
            raise SelectionError(f"The column 'path' holds {path!r}, which is no path.")
        sources.append(_file(os.fspath(path)))
    column = None
    if isinstance(labels, str) and (labels != "folder" or labels in frame.columns):
        if labels not in frame.columns:
            raise SelectionError(
                f"There is no column {labels!r} to take labels from; there are"
                f" {[str(c) for c in frame.columns]}."
            )
        column = labels
        labels = list(frame[labels])
    labels = in_order_of(frame, labels)
    if metadata is None:
        rest = [c for c in frame.columns if c not in ("path", "id", column, *BUILT_IN_COLUMNS)]
        metadata = {str(name): list(frame[name]) for name in rest}
    elif (isinstance(metadata, str) and (metadata in frame.columns or not os.path.isfile(metadata))) or (
        isinstance(metadata, Sequence)
        and not isinstance(metadata, str)
        and all(isinstance(name, str) for name in metadata)
    ):
        wanted = [metadata] if isinstance(metadata, str) else list(metadata)
        missing = [name for name in wanted if name not in frame.columns]
        if missing:
            raise SelectionError(
                f"There is no column {missing[0]!r}; there are {[str(c) for c in frame.columns]}."
            )
        metadata = {name: list(frame[name]) for name in wanted}
    return sources, labels, metadata


def _by_path(frame: Any, labels: Any, metadata: Any) -> tuple[Any, Any]:
    """Labels and metadata of the rows, for images that are joined from several of them."""
    is_listed = labels is not None and not isinstance(labels, (str, Mapping))
    # As many as there are images, and not as there are files, they are for the images.
    if is_listed and len(labels := list(labels)) == len(frame):
        labels = dict(zip(map(os.fspath, frame["path"]), labels, strict=True))
    if isinstance(metadata, dict) and metadata:
        metadata = frame[["path"]].assign(**metadata)
    return labels, None if isinstance(metadata, dict) else metadata


def _walk(images: Any, axes: str | None, channels: int | None, failed: dict[str, str]) -> Iterator[Source]:
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
                yield _file(match)
    else:
        yield _file(name)


def _zarr_images(name: str, failed: dict[str, str]) -> Iterator[Source]:
    try:
        yield from map(_file, list_images(name))
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
                yield _file(os.path.join(place, name))


def _file(name: str) -> Source:
    return Source(key=name, path=os.path.abspath(os.path.expanduser(name)))
