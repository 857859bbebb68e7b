"""Which label and which metadata belong to which image that is being added."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from ...errors import SelectionError
from ..frames import BUILT_IN_COLUMNS
from ..plates.wells import identity_value
from . import metadata_tables

_SHOWN = 5


class Named(Protocol):
    """What an image that is being added is known by."""

    @property
    def key(self) -> str:
        """The path as given, or ``[position]`` of an array."""

    @property
    def path(self) -> str | None:
        """The absolute path, None for an array."""


def is_frame(value: Any) -> bool:
    """Whether a value is a DataFrame, asked by protocol so that pandas need not be loaded."""
    return hasattr(value, "columns") and hasattr(value, "iloc")


def in_order_of(frame: Any, values: Any) -> Any:
    """A Series in the order of a DataFrame's rows, if it has the same index; everything else as it is."""
    if (
        hasattr(values, "reindex")
        and len(values) == len(frame)
        and values.index.is_unique
        and frame.index.is_unique
        and frame.index.isin(values.index).all()
    ):
        return values.reindex(frame.index)
    return values


def aligned_labels(labels: Any, sources: Sequence[Named]) -> list[str | None]:
    """The label of each image, from any form that ``add_images`` takes but the name of a column.

    Raises
    ------
    SelectionError
        If there is not one for each image.
    """
    if labels is None:
        return [None] * len(sources)
    if isinstance(labels, str):
        if any(source.path is None for source in sources):
            raise SelectionError('labels="folder" needs image files; an array has no folder.')
        return [os.path.basename(os.path.dirname(source.path or "")) for source in sources]
    if isinstance(labels, Mapping):
        found = _looked_up(labels, sources)
        _warn_of_strangers(labels, found, sources)
        return [label_text(value) for value in found]
    values = _as_list(labels, len(sources), "labels")
    return [label_text(value) for value in values]


def _warn_of_strangers(labels: Mapping[Any, Any], found: Sequence[Any], sources: Sequence[Named]) -> None:
    """Say when no label finds an image: a mapping may be about more images, but hardly about none of these."""
    is_lost = sources and all(value is None for value in found)
    if is_lost and any(label_text(value) is not None for value in labels.values()):
        told = ", ".join(repr(key) for key in list(labels)[:_SHOWN])
        warnings.warn(
            f"None of the {len(labels)} labels is for one of these images: they are for {told}, and the first image is"
            f" {sources[0].key!r}. Name images by their paths or file names, and arrays by their positions.",
            stacklevel=5,
        )


def _looked_up(values: Mapping[Any, Any], sources: Sequence[Named]) -> list[Any]:
    """For each source its value: by path as given, absolute path, file name, or name without suffix.

    Arrays are looked up by their position. The files of one image must have one label, and a name must be that of
    one image.
    """
    by_text = {
        os.fspath(key) if isinstance(key, os.PathLike) else key: value for key, value in values.items()
    }
    absolute = {os.path.abspath(key): value for key, value in by_text.items() if isinstance(key, str)}
    owners: dict[str | None, str] = {}
    found = []
    for source in sources:
        if source.path is None:
            found.append(by_text.get(int(source.key.strip("[]"))))
            continue
        paths = metadata_tables.file_paths(source)
        value = _agreed([absolute.get(path) for path in paths], paths)
        value = by_text.get(source.key) if value is None else value
        names = [os.path.basename(path) for path in paths]
        for key in (*names, *(os.path.splitext(name)[0] for name in names), getattr(source, "name", None)):
            if value is None and (value := by_text.get(key)) is not None:
                other = owners.setdefault(key, source.path)
                if other != source.path:
                    raise SelectionError(
                        f"The label of {key!r} may be that of {other} or of {source.path}. Nothing was added; name"
                        " images of one name by their paths."
                    )
        found.append(value)
    return found


def _agreed(values: Sequence[Any], paths: Sequence[str]) -> Any:
    """The value that the files of one image have; some may have none."""
    first: tuple[str, str] | None = None
    for value, path in zip(values, paths, strict=True):
        text = label_text(value)
        if text is None:
            continue
        if first is None:
            first = text, path
        elif first[0] != text:
            raise SelectionError(
                f"Two files of one image have different labels: {first[1]} is {first[0]!r}, {path} is {text!r}."
                " Nothing was added; give them the same label."
            )
    return None if first is None else first[0]


def _as_list(values: Any, count: int, what: str) -> list[Any]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise SelectionError(f"{what} must hold one value for each image, not {values!r}.")
    listed = list(values)
    if len(listed) != count:
        raise SelectionError(f"There are {len(listed)} {what} for {count} images; give one for each.")
    return listed


def aligned_metadata(metadata: Any, sources: Sequence[Named]) -> list[dict[str, Any] | None]:
    """The metadata of each image, as JSON can hold it: what a pattern found in its name, and what is given.

    Parameters
    ----------
    metadata : DataFrame, path of a CSV file, or mapping, optional
        A table says which image a row is about by a column ``path`` or ``name`` (a file's name with or
        without its suffix), or by columns that a pattern has filled too, such as plate and well; else it has
        one row for each image. A mapping goes from names to one value for each image.

        A path must lead to a file. A table may describe more images than are added, as long as each of these
        has its row, and it may leave images out, as long as each row fits one; a table by plate and well
        may do both, since a plate map has wells that nobody imaged.

    Raises
    ------
    SelectionError
        If rows and images do not fit so, if a row contradicts another one or a file's name, or if a name
        would hide a column of the project's own.
    """
    found = [getattr(source, "metadata", None) for source in sources]
    if metadata is None:
        return found
    rows: Sequence[dict[str, Any] | None]
    if isinstance(metadata, (str, os.PathLike)) or is_frame(metadata):
        rows = _from_table(metadata, sources)
    elif isinstance(metadata, Mapping):
        refuse_hiding(str(name) for name in metadata)
        columns = {
            str(name): _as_list(values, len(sources), f"values of the metadata {name!r}")
            for name, values in metadata.items()
        }
        rows = [{name: values[index] for name, values in columns.items()} for index in range(len(sources))]
    else:
        raise SelectionError(
            "metadata is a DataFrame, the path of a CSV file, a mapping from names to one value for each"
            f" image, or, with a DataFrame of images, a list of its columns; not {type(metadata).__name__}."
        )
    return [_joined(source, earlier, row) for source, earlier, row in zip(sources, found, rows, strict=True)]


def _from_table(metadata: Any, sources: Sequence[Named]) -> Sequence[dict[str, Any] | None]:
    if is_frame(metadata):
        columns, base = [str(name) for name in metadata.columns], os.getcwd()
        records = [
            dict(zip(columns, row, strict=True)) for row in metadata.itertuples(index=False, name=None)
        ]
    else:
        columns, records, base = metadata_tables.read_csv(metadata)
    refuse_hiding(name for name in columns if name not in ("path", "name"))
    rows = metadata_tables.rows_for(columns, records, sources, base)
    return _as_list(records, len(sources), "rows of metadata") if rows is None else rows


def _joined(
    source: Named, earlier: dict[str, Any] | None, row: dict[str, Any] | None
) -> dict[str, Any] | None:
    """What a file's name and a table say about an image, which must not contradict each other."""
    if not row:
        return earlier
    given = {name: plain(value) for name, value in row.items()}
    for name, value in (earlier or {}).items():
        if given.get(name) is not None and identity_value(name, given[name]) != identity_value(name, value):
            raise SelectionError(
                f"The metadata says {name} = {given[name]!r} for {source.key}, but its name says {value!r}."
                " Nothing was added; correct the table, or rename its column."
            )
    return {
        **(earlier or {}),
        **{name: value for name, value in given.items() if name not in (earlier or {})},
    }


def aligned_names(names: Any, sources: Sequence[Named]) -> list[str | None]:
    """The name of each image where names are given.

    Raises
    ------
    SelectionError
        If there is not one for each image, or one is no text.
    """
    if names is None:
        return [None] * len(sources)
    listed = _as_list(names, len(sources), "names")
    for name in listed:
        if not isinstance(name, str) or not name.strip():
            raise SelectionError(f"An image's name is a text, not {name!r}.")
    return listed


# Filters of the labeler are about these; their values come from labels and predictions.
OF_LABELS = ("origin", "agreement", "refused")


def refuse_hiding(names: Iterable[str]) -> None:
    """Raise `SelectionError` where a column of metadata would hide one of the project's own."""
    hidden = sorted(set(names) & {*BUILT_IN_COLUMNS, *OF_LABELS, "id"})
    if hidden:
        raise SelectionError(
            f"Metadata cannot be called {', '.join(map(repr, hidden))}: that is what a project measures or"
            " keeps itself. Rename the column."
        )


def is_missing(value: Any) -> bool:
    """Whether a value of a table stands for nothing: None, NaN, NaT, NA."""
    if value is None:
        return True
    if isinstance(value, (float, np.floating)):
        return math.isnan(value)
    return type(value).__name__ in ("NAType", "NaTType")


def label_text(value: Any) -> str | None:
    """A label as text; None for what stands for no label. Whole numbers lose the ``.0`` of a gappy column."""
    if is_missing(value) or value == "":
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def plain(value: Any) -> Any:
    """A metadata value as JSON can hold it."""
    if is_missing(value):
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (bool, int, float, str)):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
