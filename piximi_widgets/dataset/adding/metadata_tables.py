"""Tables of metadata: from rows that name images by path, name or well to the images of a call."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...errors import SelectionError
from ..plates.patterns import canonical
from ..plates.wells import identity_value

_SHOWN = 5


def read_csv(path: str | os.PathLike[str]) -> tuple[list[str], list[dict[str, Any]], str]:
    """The columns and rows of a CSV file of metadata, and its folder.

    Columns that hold only numbers become numbers; only an empty cell is a gap, so that a compound may be
    called "NA".

    Raises
    ------
    SelectionError
        If it cannot be read.
    """
    import pandas as pd

    place = os.path.abspath(os.path.expanduser(path))
    try:
        texts = pd.read_csv(place, dtype=str, keep_default_na=False, na_values=[""])
    except FileNotFoundError:
        raise SelectionError(f"There is no file {place}.") from None
    except (OSError, ValueError) as error:
        raise SelectionError(f"{place} cannot be read as CSV: {error}.") from error
    columns = [str(name) for name in texts.columns]
    values: list[list[Any]] = []
    for name in texts.columns:
        column = texts[name]
        numbers = pd.to_numeric(column, errors="coerce")
        # A plate called 0012 is not the number 12.
        zeros = column.str.fullmatch(r"[+-]?0\d.*", na=False).any()
        is_number = column.notna().any() and bool((numbers.notna() == column.notna()).all()) and not zeros
        if canonical(name) in ("path", "name", "plate"):
            is_number = False
        listed = (numbers if is_number else column).tolist()
        values.append([_whole(value) for value in listed] if is_number else listed)
    return (
        columns,
        [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)],
        (os.path.dirname(place)),
    )


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def rows_for(
    columns: Sequence[str], rows: Sequence[dict[str, Any]], sources: Sequence[Any], base: str
) -> list[dict[str, Any] | None] | None:
    """For each image its row of a table that says which image a row is about; None where the table does not.

    A column ``path`` decides, else ``name``, else the columns that the table shares with what a pattern has
    found in the files' names, such as plate and well.

    Parameters
    ----------
    base : str
        The folder that relative paths start from, besides the working folder.

    Raises
    ------
    SelectionError
        If a path leads to no file, if names are unknown while images have no row, if no image has a row, or
        if rows contradict each other; the message lists the first few.
    """
    for key in ("path", "name"):
        if key in columns:
            return _by_file(key, rows, sources, base)
    shared = _shared(columns, sources)
    return _by_columns(shared, rows, sources) if shared else None


def _by_file(
    key: str, rows: Sequence[dict[str, Any]], sources: Sequence[Any], base: str
) -> list[dict[str, Any] | None]:
    find = _finder(sources)
    found: list[dict[str, Any] | None] = [None] * len(sources)
    unknown: list[tuple[int, str]] = []
    for number, row in enumerate(rows, start=1):
        text = row[key]
        if not isinstance(text, (str, os.PathLike)):
            raise SelectionError(f"Row {number} of the metadata has no {key}, but {text!r}.")
        text = os.fspath(text)
        places = find(text, base)
        if len(places) > 1:
            raise SelectionError(
                f"Row {number} of the metadata is about {text!r}, as {len(places)} images are called; name"
                " them by their paths."
            )
        if not places:
            unknown.append((number, text))
            continue
        rest = {name: value for name, value in row.items() if name not in ("path", "name")}
        _put(found, places[0], rest, f"row {number} ({text})")
    without = [source.key for source, row in zip(sources, found, strict=True) if row is None]
    if key == "path":
        wrong = [(number, text) for number, text in unknown if not _exists(text, base)]
        if wrong:
            raise SelectionError(
                f"{len(wrong)} paths of the metadata lead to no file: {_told(wrong)}."
                " Nothing was added; correct the"
                " paths, or leave these rows out."
            )
    # A table may describe more images; but where some have no row, a row that fits nothing is a typo.
    if unknown and without:
        raise SelectionError(
            f"{len(unknown)} rows of the metadata are about none of these images: {_told(unknown)}; and"
            f" {len(without)} images have no row, {without[0]!r} for one. Nothing was added; correct the"
            f" {key}s, or"
            " leave these rows out."
        )
    return found


def _exists(text: str, base: str) -> bool:
    name = os.path.expanduser(text)
    return os.path.exists(name) or os.path.exists(os.path.join(base, name))


def _told(rows: Sequence[tuple[int, str]]) -> str:
    more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    return ", ".join(f"{text!r} (row {number})" for number, text in rows[:_SHOWN]) + more


def _finder(sources: Sequence[Any]) -> Callable[[str, str], list[int]]:
    """A function that finds the positions of the images that a text may name, by path before by name."""
    by_place: dict[str, set[int]] = {}
    by_name: dict[str, set[int]] = {}
    by_stem: dict[str, set[int]] = {}
    for position, source in enumerate(sources):
        by_place.setdefault(source.key, set()).add(position)
        if name := getattr(source, "name", None):
            by_name.setdefault(name, set()).add(position)
        for path in file_paths(source):
            name = os.path.basename(path)
            by_place.setdefault(path, set()).add(position)
            by_name.setdefault(name, set()).add(position)
            by_stem.setdefault(os.path.splitext(name)[0], set()).add(position)

    def find(text: str, base: str) -> list[int]:
        name = os.path.expanduser(text)
        for table, key in (
            (by_place, os.path.normpath(os.path.join(base, name))),
            (by_place, os.path.abspath(name)),
            (by_place, text),
            (by_name, text),
            (by_stem, text),
        ):
            if key in table:
                return sorted(table[key])
        return []

    return find


def file_paths(source: Any) -> list[str]:
    """The paths of all files of an image that is being added."""
    return [] if source.path is None else [source.path, *getattr(source, "files", ())]


def _put(found: list[dict[str, Any] | None], position: int, row: dict[str, Any], told: str) -> None:
    earlier = found[position]
    if earlier is not None:
        for name, value in row.items():
            if not _alike(earlier[name], value):
                raise SelectionError(
                    f"Two rows of the metadata are about the same image and differ: {told} says {name} ="
                    f" {value!r}, an earlier one {earlier[name]!r}. Keep one of them."
                )
    found[position] = row


def _alike(first: Any, second: Any) -> bool:
    return first is second or bool(first == second) or (first != first and second != second)


def _shared(columns: Sequence[str], sources: Sequence[Any]) -> dict[str, str]:
    """The table's columns that patterns have filled, by our words; CellProfiler writes Metadata_Well."""
    filled = {name for source in sources for name in getattr(source, "metadata", None) or ()}
    shared: dict[str, str] = {}
    for column in columns:
        name = canonical(column.removeprefix("Metadata_"))
        if name in filled and name not in shared:
            shared[name] = column
    return shared


def _by_columns(
    shared: Mapping[str, str], rows: Sequence[dict[str, Any]], sources: Sequence[Any]
) -> list[dict[str, Any] | None]:
    """Join a table such as a plate map, which may have wells that no image is of, and the reverse."""
    table: dict[tuple[Any, ...], dict[str, Any]] = {}
    for number, row in enumerate(rows, start=1):
        key = tuple(identity_value(name, row[column]) for name, column in shared.items())
        rest = {column: value for column, value in row.items() if column not in shared.values()}
        earlier = table.setdefault(key, rest)
        if earlier is not rest:
            _put([earlier], 0, rest, f"row {number} ({', '.join(map(str, key))})")
    found = []
    for source in sources:
        metadata = getattr(source, "metadata", None) or {}
        found.append(table.get(tuple(metadata.get(name) for name in shared)))
    if sources and all(row is None for row in found):
        known = next(source.metadata for source in sources if getattr(source, "metadata", None))
        raise SelectionError(
            f"No row of the metadata fits an image by {', '.join(shared.values())}: the first image has"
            f" {', '.join(repr(known.get(name)) for name in shared)}, the table"
            f" {', '.join(repr(value) for value in next(iter(table), ()))} and so on. Nothing was added."
        )
    return found
