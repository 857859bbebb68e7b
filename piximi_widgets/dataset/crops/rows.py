"""Which images the rows of a table of objects are about; CellProfiler's say it in several ways."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlparse

from ...errors import SelectionError
from ..adding.alignment import is_missing, label_text
from ..plates.patterns import canonical
from ..sql.crops import Parent
from .parents import Parents

if TYPE_CHECKING:
    import pandas as pd

_IDS = ("parent_id", "image_id")
_NAMES = ("path", "image", "image_name", "filename", "file", "name")
_METADATA = re.compile(r"(?:Image_)?Metadata_(.+)", re.IGNORECASE)
_FILE = re.compile(r"((?:Image_)?)(FileName|URL)_(.+)", re.IGNORECASE)


def parents_of_rows(table: pd.DataFrame, parents: Parents, place: str | None) -> list[Parent | str]:
    """For each row of a table the image that its object lies in, or the reason why that is unknown.

    Looked at in this order: a column ``image_id`` or ``parent_id``; CellProfiler's ``URL_``, ``FileName_``
    and ``PathName_``; ``ImageNumber`` with the ``Image.csv`` beside the table; ``Metadata_`` columns that the
    images have too; a column ``path``, ``image``, ``filename`` or ``name``; and the only image of the
    project.

    Parameters
    ----------
    place : str, optional
        The table's file.

    Raises
    ------
    SelectionError
        If the table does not say.
    """
    lower = {str(column).lower(): column for column in table.columns}
    base = os.path.dirname(place) if place else os.getcwd()
    for name in _IDS:
        if name in lower:
            return _each(map(_number, table[lower[name]].tolist()), parents.found)
    columns = [str(column) for column in table.columns]
    if any(_FILE.fullmatch(column) for column in columns):
        return _by_image_columns(table, parents)
    if "imagenumber" in lower:
        numbers = [_number(value) for value in table[lower["imagenumber"]].tolist()]
        images = _image_table(place)
        if images is not None:
            found = _by_number(images, parents)
            return [found.get(number, f"Image.csv has no image {number}") for number in numbers]
        only = parents.only()
        if only is not None and len(set(numbers)) <= 1:
            return [only] * len(table)
    if any(_METADATA.fullmatch(column) for column in columns):
        found_rows = _by_image_columns(table, parents)
        if any(isinstance(row, Parent) for row in found_rows):
            return found_rows
    for name in _NAMES:
        if name in lower:
            return _by_paths(table[lower[name]].tolist(), parents, base)
    only = parents.only()
    if only is not None and "imagenumber" not in lower:
        return [only] * len(table)
    if "imagenumber" in lower:
        raise SelectionError(
            "The table names its images by ImageNumber, and there is no Image.csv beside it that says which"
            " these are."
            " Put CellProfiler's Image.csv into the folder of the table and pass the table's path, or say"
            " parent=."
        )
    raise SelectionError(
        "The table does not say which image its objects lie in. Give it a column image_id, path or name, or"
        " say parent= an image's id or name."
    )


def _by_paths(values: Sequence[Any], parents: Parents, base: str) -> list[Parent | str]:
    refused = parents.namesakes((value for value in values if isinstance(value, str)), base)
    return _each(values, lambda value: refused.get(value) or parents.found(value, base))


def _each(values: Iterable[Any], find: Callable[[Any], Parent | str]) -> list[Parent | str]:
    known: dict[Any, Parent | str] = {}
    found: list[Parent | str] = []
    for value in values:
        if is_missing(value):
            found.append("the row names no image")
            continue
        if value not in known:
            known[value] = find(value)
        found.append(known[value])
    return found


def _number(value: Any) -> Any:
    if is_missing(value):
        return None
    text = label_text(value)
    return int(text) if text is not None and text.isdecimal() else text


def _image_table(place: str | None) -> pd.DataFrame | None:
    """CellProfiler's table of images beside one of objects: with its prefix, plain, or the only one."""
    if place is None:
        return None
    folder, name = os.path.split(place)
    prefix = name[: name.rfind("_") + 1]
    beside = sorted(other for other in os.listdir(folder or ".") if other.lower().endswith("image.csv"))
    wanted = [f"{prefix}Image.csv", "Image.csv", *(beside if len(beside) == 1 else [])]
    chosen = next((other for other in wanted if other in beside and other != name), None)
    return None if chosen is None else read_objects(os.path.join(folder, chosen))


def read_objects(place: str) -> pd.DataFrame:
    """A table of objects or images from a file with commas, or tabs if it is called so.

    Raises
    ------
    SelectionError
        If it cannot be read.
    """
    import pandas as pd

    separator = "\t" if place.lower().endswith((".tsv", ".txt")) else ","
    try:
        return pd.read_csv(
            place, sep=separator, keep_default_na=False, na_values=["", "nan", "NaN"], low_memory=False
        )
    except FileNotFoundError:
        raise SelectionError(f"There is no file {place}.") from None
    except (OSError, ValueError) as error:
        raise SelectionError(f"{place} cannot be read as a table: {error}.") from error


def _by_number(table: pd.DataFrame, parents: Parents) -> dict[Any, Parent | str]:
    """The image of each ``ImageNumber``; two of one image are planes or times that cannot be told apart."""
    column = next((name for name in table.columns if str(name).lower() == "imagenumber"), None)
    if column is None:
        raise SelectionError("The Image.csv beside the table has no column ImageNumber; say parent=.")
    numbers = [_number(value) for value in table[column].tolist()]
    found: dict[Any, Parent | str] = dict(zip(numbers, _by_image_columns(table, parents), strict=True))
    users: dict[int, list[Any]] = {}
    for number, image in found.items():
        if isinstance(image, Parent):
            users.setdefault(image.id, []).append(number)
    for same in users.values():
        if len(same) > 1:
            told = ", ".join(map(str, same[:5]))
            reason = (
                f"the image numbers {told} lead to the same image; its planes or times cannot be told apart"
            )
            found.update(dict.fromkeys(same, reason))
    return found


def _by_image_columns(table: pd.DataFrame, parents: Parents) -> list[Parent | str]:
    """Images by the columns that CellProfiler writes about them: their files, else their metadata."""
    columns = {str(column): column for column in table.columns}
    files = [match for match in map(_FILE.fullmatch, columns) if match]
    metadata = {canonical(match[1]): name for name in columns if (match := _METADATA.fullmatch(name))}
    find = parents.by_metadata(metadata)
    known: dict[tuple[Any, ...], Parent | str] = {}
    needed = [match.string for match in files] + list(metadata.values())
    needed += [name for match in files if (name := f"{match[1]}PathName_{match[3]}") in columns]
    names = list(dict.fromkeys(needed))
    rows = list(zip(*(table[columns[name]].tolist() for name in names), strict=True))
    texts = [
        text
        for values in dict.fromkeys(rows)
        for text in _places(dict(zip(names, values, strict=True)), files)
    ]
    refused = parents.namesakes(texts)
    found = []
    for values in rows:
        if values not in known:
            row = dict(zip(names, values, strict=True))
            told = {name: row[column] for name, column in metadata.items()}
            known[values] = _by_files(row, files, parents, refused, told)
            # A well and a site alone would lead to the image of that name again.
            is_refused = any(text in refused for text in _places(row, files))
            if isinstance(known[values], str) and find is not None and not is_refused:
                known[values] = find(told)
        found.append(known[values])
    return found if needed else ["Image.csv has neither FileName_, URL_ nor Metadata_ columns"] * len(table)


def _places(row: Mapping[str, Any], files: Sequence[re.Match[str]]) -> list[str]:
    """The paths of an image's files, as the table has them."""
    places = []
    for match in files:
        text = row[match.string]
        if not isinstance(text, str):
            continue
        folder = row.get(f"{match[1]}PathName_{match[3]}")
        if match[2].lower() == "url":
            text = unquote(urlparse(text).path) if text.startswith("file:") else text
        elif isinstance(folder, str):
            text = os.path.join(folder, text)
        places.append(text)
    return places


def _by_files(
    row: Mapping[str, Any],
    files: Sequence[re.Match[str]],
    parents: Parents,
    refused: Mapping[str, str],
    metadata: Mapping[str, Any],
) -> Parent | str:
    images: dict[int, Parent] = {}
    reason = "the table names no file of it"
    for text in _places(row, files):
        image = refused.get(text) or parents.found(text)
        if isinstance(image, Parent) and not os.path.exists(text):
            image = parents.contradiction(image, metadata) or image
        if isinstance(image, str):
            reason = image
        else:
            images[image.id] = image
    if len(images) > 1:
        return f"its files are those of the images {', '.join(map(str, images))}"
    return next(iter(images.values()), reason)
