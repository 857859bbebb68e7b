"""From what a person passes to ``add_images`` to a flat list of image sources."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import SelectionError
from ..imaging import IMAGE_SUFFIXES, to_planes
from .alignment import aligned_labels, aligned_metadata, aligned_names, is_frame
from .frames import BUILT_IN_COLUMNS
from .schema import DATABASE_NAME


@dataclass(frozen=True, eq=False)
class Source:
    """One image to add: a file, or pixels.

    Attributes
    ----------
    key : str
        How reports call it: the path, or the array's position.
    path : str, optional
    pixels : ndarray, optional
        Not yet of four axes.
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


def expand(images: Any, labels: Any, metadata: Any, names: Any = None) -> tuple[list[Source], dict[str, str]]:
    """List every image that is meant, with its label and metadata.

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
    else:
        sources = list(_walk(images, failed))
        if isinstance(labels, str) and labels != "folder":
            raise SelectionError(
                f'labels={labels!r} names a column, but the images are no DataFrame; labels="folder" takes the'
                " parent folder's name."
            )
    texts = aligned_labels(labels, sources)
    rows = aligned_metadata(metadata, sources)
    given = aligned_names(names, sources)
    labeled = [
        replace(source, label=text, metadata=row, name=name)
        for source, text, row, name in zip(sources, texts, rows, given, strict=True)
    ]
    return labeled, failed


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
    if metadata is None:
        rest = [c for c in frame.columns if c not in ("path", "id", column, *BUILT_IN_COLUMNS)]
        metadata = {str(name): list(frame[name]) for name in rest}
    elif isinstance(metadata, str) or (
        isinstance(metadata, Sequence) and all(isinstance(name, str) for name in metadata)
    ):
        wanted = [metadata] if isinstance(metadata, str) else list(metadata)
        missing = [name for name in wanted if name not in frame.columns]
        if missing:
            raise SelectionError(
                f"There is no column {missing[0]!r}; there are {[str(c) for c in frame.columns]}."
            )
        metadata = {name: list(frame[name]) for name in wanted}
    return sources, labels, metadata


def _walk(images: Any, failed: dict[str, str]) -> Iterator[Source]:
    if isinstance(images, (str, os.PathLike)):
        yield from _from_name(os.fspath(images), failed)
    elif isinstance(images, np.ndarray):
        yield from _from_array(images)
    elif isinstance(images, Iterable):
        for index, item in enumerate(images):
            if isinstance(item, (str, os.PathLike)):
                yield from _from_name(os.fspath(item), failed)
            elif isinstance(item, np.ndarray):
                yield from _one_array(item, index, failed)
            else:
                raise SelectionError(
                    f"Image {index} of the list is {type(item).__name__}; it must be a path or an array."
                )
    else:
        raise SelectionError(
            "Images are a path, a glob, a folder, an array, a DataFrame or a list of paths and arrays,"
            f" not {type(images).__name__}."
        )


def _from_array(array: np.ndarray) -> Iterator[Source]:
    if array.ndim not in (3, 4, 5):
        raise SelectionError(
            f"An array of images is (N, H, W), (N, H, W, C) or (N, Z, H, W, C); this one has the shape"
            f" {array.shape}. For one image pass a list: [array]."
        )
    if array.ndim == 3 and 0 < array.shape[2] <= 4 < array.shape[1]:
        raise SelectionError(
            f"The shape {array.shape} looks like one image with {array.shape[2]} channels, but the first axis"
            " counts images. For one image pass a list: [array]."
        )
    _refuse_type(array)
    for index in range(len(array)):
        yield Source(key=f"[{index}]", pixels=array[index])


def _one_array(array: np.ndarray, index: int, failed: dict[str, str]) -> Iterator[Source]:
    try:
        to_planes(array)
    except ValueError as error:
        failed[f"[{index}]"] = str(error)
    else:
        yield Source(key=f"[{index}]", pixels=array)


def _refuse_type(array: np.ndarray) -> None:
    if array.dtype != bool and array.dtype.kind not in "uif":
        raise SelectionError(f"Pixels are whole or real numbers, not {array.dtype}.")
    if array.size == 0 and len(array):
        raise SelectionError(f"Images of the shape {array.shape[1:]} have no pixels.")


def _from_name(name: str, failed: dict[str, str]) -> Iterator[Source]:
    name = os.path.expanduser(name)
    if os.path.isdir(name):
        found = list(_in_folder(name))
        if not found:
            failed[name] = f"the folder holds no image ({', '.join(sorted(IMAGE_SUFFIXES))})"
        yield from found
    elif not os.path.lexists(name) and glob.has_magic(name):
        matches = sorted(glob.glob(name, recursive=True), key=_natural)
        if not matches:
            failed[name] = "no file matches"
        for match in matches:
            if os.path.isdir(match):
                yield from _in_folder(match)
            else:
                yield _file(match)
    else:
        yield _file(name)


def _in_folder(folder: str) -> Iterator[Source]:
    for place, folders, files in os.walk(folder):
        if DATABASE_NAME in files:
            # A project inside the folder keeps its own pictures, and caches of pictures.
            folders.clear()
            continue
        folders[:] = sorted((name for name in folders if not name.startswith(".")), key=_natural)
        for name in sorted(files, key=_natural):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES:
                yield _file(os.path.join(place, name))


def _file(name: str) -> Source:
    return Source(key=name, path=os.path.abspath(os.path.expanduser(name)))


def _natural(name: str) -> list[Any]:
    """Sort key that puts ``img2`` before ``img10``."""
    parts = re.split(r"([0-9]+)", name)
    return [int(part) if index % 2 else part.casefold() for index, part in enumerate(parts)]
