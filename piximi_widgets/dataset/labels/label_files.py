"""Labels as CSV files and DataFrames, out and in."""

from __future__ import annotations

import io
import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import CategoryError, SelectionError
from ...storage import write_atomically
from ..adding.alignment import label_text
from ..files.pixels import absolute_path, stored_path
from ..sql import categories
from .categories import checked_name

if TYPE_CHECKING:
    import pandas as pd

_LABEL_COLUMNS = ("category", "label")
_CROP = re.compile(r"crop:(\d+):(.+)")
_CROP_PATH = re.compile(r"(.+)#([^#:]+:-?\d+,-?\d+,\d+,\d+)", re.DOTALL)
_SHOWN = 5


def write_csv(
    path: str | os.PathLike[str], frame: pd.DataFrame, places: dict[int, str | None], folder: Path
) -> None:
    """Write the images' table with a column ``path``, relative to the CSV's folder for files below it.

    A crop's path is that of its parent with its kind and region, such as ``raw/a.tif#cell:22,30,16,16`` (top, left,
    height and width): crops of one name may be of different objects in another project.
    """
    target = Path(os.path.abspath(path))
    table = frame.copy()
    table.insert(1, "path", [_written(image_id, places, folder, target.parent) for image_id in table.index])
    text = io.StringIO()
    table.to_csv(text, lineterminator="\n")
    try:
        write_atomically(target, text.getvalue().encode())
    except OSError as error:
        raise SelectionError(f"{target} cannot be written: {error.strerror}.") from error


def _written(image_id: int, places: Mapping[int, str | None], folder: Path, base: Path) -> str | None:
    stored = places.get(image_id)
    if stored is None:
        return None
    if crop := _CROP.fullmatch(stored):
        parent = _written(int(crop[1]), places, folder, base)
        return None if parent is None else f"{parent}#{crop[2]}"
    path = absolute_path(folder, stored)
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else path.as_posix()


def read_table(path_or_frame: Any) -> tuple[pd.DataFrame, Path]:
    """A table of labels and the folder that its relative paths start from."""
    import pandas as pd

    if isinstance(path_or_frame, pd.DataFrame):
        return path_or_frame, Path.cwd()
    path = Path(os.path.abspath(path_or_frame))
    try:
        # Category names such as "NA" or "None" are names; only an empty cell is a gap.
        return pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""]), path.parent
    except FileNotFoundError:
        raise SelectionError(f"There is no file {path}.") from None
    except (OSError, ValueError) as error:
        raise SelectionError(f"{path} cannot be read as CSV: {error}.") from error


def matched(
    table: pd.DataFrame,
    base: Path,
    folder: Path,
    images: Sequence[tuple[int, str | None, str | None, str]],
    further: Sequence[tuple[int, str, str | None]] = (),
) -> tuple[dict[int, str], dict[str, str]]:
    """Find for each row of a label table the image that it is about.

    A row's ``path`` decides where it has one, which for a crop is as `write_csv` has it; else its ``id``, together with its ``name`` if the table has
    that; else its ``name``, with or without a file's suffix, if only one image is called so. Rows without a
    category say nothing.

    Parameters
    ----------
    images : sequence of (id, path, origin, name)
    further : sequence of (id, path, origin)
        Further files of images that are joined from several.

    Returns
    -------
    labels : dict of int to str
        Checked category names by image id.
    unknown : dict of str to str
        For each row that names no image the reason.

    Raises
    ------
    SelectionError
        If columns are missing, or two rows give one image different labels.
    CategoryError
        If a row's category can be no name.
    """
    columns = {str(column): column for column in table.columns}
    label_column = next((columns[name] for name in _LABEL_COLUMNS if name in columns), None)
    if label_column is None:
        raise SelectionError(f"A table of labels needs a column 'category'; this one has {list(columns)}.")
    rows: dict[str, list[Any]] = {
        name: list(table[columns[name]]) for name in ("path", "id", "name") if name in columns
    }
    if "id" not in rows and table.index.name == "id":
        rows["id"] = list(table.index)
    if not rows:
        raise SelectionError(
            f"A table of labels needs a column 'path', 'id' or 'name' besides the category; this one has"
            f" {list(columns)}."
        )
    find = _finder(base, folder, images, further)
    labels: dict[int, str] = {}
    first_row: dict[int, str] = {}
    unknown: dict[str, str] = {}
    contradictions: list[str] = []
    unusable: list[str] = []
    for number, value in enumerate(table[label_column], start=1):
        text = label_text(value)
        if text is None:
            continue
        keys = {name: label_text(values[number - 1]) for name, values in rows.items()}
        told = next((key for key in keys.values() if key is not None), None)
        row = f"row {number}" if told is None else f"row {number} ({told})"
        try:
            name = checked_name(text)
        except CategoryError as error:
            unusable.append(f"{row}: {error}")
            continue
        image_id = find(keys)
        if isinstance(image_id, str):
            unknown[row] = image_id
        elif image_id not in labels:
            labels[image_id], first_row[image_id] = name, row
        elif labels[image_id] != name:
            contradictions.append(f"{row} says “{name}”, {first_row[image_id]} “{labels[image_id]}”")
    if unusable:
        raise CategoryError(f"{_first(unusable)} Nothing was labeled; correct the table.")
    if contradictions:
        raise SelectionError(
            f"The table labels images twice and differently: {_first(contradictions)}. Nothing was labeled;"
            " keep one row for each image."
        )
    return labels, unknown


def refuse_unknown_images(unknown: Mapping[str, str]) -> None:
    """Raise `SelectionError` where rows name no image."""
    if unknown:
        rows = "1 row of the table names" if len(unknown) == 1 else f"{len(unknown)} rows of the table name"
        told = _first([f"{row}: {reason}" for row, reason in unknown.items()])
        raise SelectionError(
            f"{rows} no image of this project: {told}. Nothing was labeled; correct the table, or"
            " label the other images with skip_unknown=True."
        )


def refuse_unknown_categories(connection: sqlite3.Connection, names: Iterable[str]) -> None:
    """Raise `CategoryError` where the project has no such categories."""
    known = [row["name"] for row in categories.live(connection)]
    unknown = [name for name in dict.fromkeys(names) if name not in known]
    if unknown:
        alike = {name.casefold(): name for name in known}
        told = _first(
            [
                f"“{name}” (there is “{alike[name.casefold()]}”)" if name.casefold() in alike else f"“{name}”"
                for name in unknown
            ]
        )
        there = f"there are {_first([f'“{name}”' for name in known])}" if known else "there is none yet"
        raise CategoryError(
            f"The project has no categories called so: {told}; {there}. Nothing was labeled; correct the"
            " table, or let the categories be made with add_categories=True."
        )


def _first(told: Sequence[str]) -> str:
    more = f"; and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    return "; ".join(told[:_SHOWN]) + more


def _finder(
    base: Path,
    folder: Path,
    images: Sequence[tuple[int, str | None, str | None, str]],
    further: Sequence[tuple[int, str, str | None]],
) -> Callable[[dict[str, str | None]], int | str]:
    files = [*further, *((image_id, path, origin) for image_id, path, origin, _ in images)]
    by_path = {place: image_id for image_id, *places in files for place in places if place}
    names = {image_id: name for image_id, _, _, name in images}
    by_name: dict[str, list[int]] = {}
    by_stem: dict[str, list[int]] = {}
    for image_id, name in names.items():
        by_name.setdefault(name, []).append(image_id)
        by_stem.setdefault(os.path.splitext(name)[0], []).append(image_id)

    def find(keys: dict[str, str | None]) -> int | str:
        path, text, name = keys.get("path"), keys.get("id"), keys.get("name")
        if path is not None:
            crop = _CROP_PATH.fullmatch(path)
            parent = by_path.get(stored_path(folder, os.path.normpath(base / crop[1]))) if crop else None
            if crop and parent is not None:
                return by_path.get(f"crop:{parent}:{crop[2]}", "the project has no such crop of this image")
            place = stored_path(folder, os.path.normpath(base / path))
            return by_path.get(place, "the project has no image of this path")
        called = (by_name.get(name) or by_stem.get(name) or []) if name is not None else []
        if text is not None:
            image_id = int(text) if text.isdecimal() else -1
            if image_id in names and name in (None, names[image_id]):
                return image_id
            # Ids are local to a project, names may well be the same in another one.
            if len(called) == 1:
                return called[0]
            if image_id not in names:
                return "the project has no image with this id"
            return (
                f"image {image_id} is called {names[image_id]!r} here, not {name!r}: another project's file?"
            )
        if name is None:
            return "the row names no image"
        if len(called) > 1:
            return f"{len(called)} images have this name; name them by path or id"
        return called[0] if called else "the project has no image of this name"

    return find
