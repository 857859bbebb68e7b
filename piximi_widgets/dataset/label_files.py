"""Labels as CSV files and DataFrames, out and in."""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import CategoryError, SelectionError
from ..storage import write_atomically
from .alignment import label_text
from .categories import checked_name
from .pixels import absolute_path, stored_path

if TYPE_CHECKING:
    import pandas as pd

_LABEL_COLUMNS = ("category", "label")


def write_csv(
    path: str | os.PathLike[str], frame: pd.DataFrame, places: dict[int, str | None], folder: Path
) -> None:
    """Write the images' table with a column ``path``, relative to the CSV's folder where files lie below it."""
    target = Path(os.path.abspath(path))
    table = frame.copy()
    table.insert(
        1, "path", [_written(places.get(image_id), folder, target.parent) for image_id in table.index]
    )
    text = io.StringIO()
    table.to_csv(text, lineterminator="\n")
    try:
        write_atomically(target, text.getvalue().encode())
    except OSError as error:
        raise SelectionError(f"{target} cannot be written: {error.strerror}.") from error


def _written(stored: str | None, folder: Path, base: Path) -> str | None:
    if stored is None:
        return None
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
) -> tuple[dict[int, str], dict[str, str]]:
    """Find for each row of a label table the image that it is about.

    A row's ``path`` decides where it has one; else its ``id``, together with its ``name`` if the table has
    that; else its ``name``, if only one image is called so. Rows without a category say nothing.

    Parameters
    ----------
    images : sequence of (id, path, origin, name)

    Returns
    -------
    labels : dict of int to str
        Checked category names by image id.
    failed : dict of str to str
        For each row that names no image, or no usable category, the reason.
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
    find = _finder(base, folder, images)
    labels: dict[int, str] = {}
    failed: dict[str, str] = {}
    for number, value in enumerate(table[label_column]):
        text = label_text(value)
        if text is None:
            continue
        keys = {name: label_text(values[number]) for name, values in rows.items()}
        row = next((key for key in keys.values() if key is not None), f"row {number + 1}")
        try:
            name = checked_name(text)
            image_id = find(keys)
        except CategoryError as error:
            failed[row] = str(error)
            continue
        if isinstance(image_id, str):
            failed[row] = image_id
        elif labels.setdefault(image_id, name) != name:
            failed[row] = f"an earlier row says “{labels[image_id]}” for the same image; that one was taken"
    return labels, failed


def _finder(
    base: Path, folder: Path, images: Sequence[tuple[int, str | None, str | None, str]]
) -> Callable[[dict[str, str | None]], int | str]:
    by_path = {place: image_id for image_id, path, origin, _ in images for place in (path, origin) if place}
    names = {image_id: name for image_id, _, _, name in images}
    counts = Counter(names.values())
    by_name = {name: image_id for image_id, name in names.items()}

    def find(keys: dict[str, str | None]) -> int | str:
        path, text, name = keys.get("path"), keys.get("id"), keys.get("name")
        if path is not None:
            place = stored_path(folder, os.path.normpath(base / path))
            return by_path.get(place, "the project has no image of this path")
        if text is not None:
            image_id = int(text) if text.isdecimal() else -1
            if image_id not in names:
                return "the project has no image with this id"
            if name is not None and names[image_id] != name:
                return f"image {image_id} is called {names[image_id]!r} here, not {name!r}: another project's file?"
            return image_id
        if name is None:
            return "the row names no image"
        if counts[name] > 1:
            return f"{counts[name]} images have this name; name them by path or id"
        return by_name.get(name, "the project has no image of this name")

    return find
