"""From what a person passes to ``add_images`` to a flat list of image sources."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...errors import SelectionError
from ..frames import BUILT_IN_COLUMNS
from ..plates.joining import join
from .alignment import aligned_labels, aligned_metadata, aligned_names, in_order_of, is_frame
from .metadata_tables import file_paths
from .source import Source
from .walking import file_source, walk


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
        sources = list(walk(images, axes, channels, failed))
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
        sources.append(file_source(os.fspath(path)))
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
