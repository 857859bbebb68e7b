"""What stands in a notebook where the widget does not run: a picture of the grid, and how many images there are of what.

nbviewer, nbconvert and GitHub show it. GitHub takes styles and classes away, and so everything here is told without
them: a table holds the tiles, pictures have their sizes as attributes, and colours are pictures.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from html import escape

import numpy as np

from ...dataset import Dataset
from ...dataset.records import Category, Columns
from ...errors import PiximiError
from .ordering import ordered
from .packing import rows_of
from .tiles import Tile, bar, picture, tile_html

IMAGES = 48
COLUMNS = 8
# Shared notebooks stay small: pictures get smaller first, then fewer.
BUDGET = 170_000
SIZES = (72, 48, 32)
# After so many pictures it is clear whether all of them fit in their size.
_TRIED = 6
# Nobody waits long for what may never be looked at; images of files that take long are then left out.
SECONDS = 1.0
_NAMED_CATEGORIES = 40


@dataclass(frozen=True)
class _Part:
    """Rows of the columns that are shown, in their order, and why they are these."""

    rows: np.ndarray
    filter: str = ""
    problem: str = ""


def fallback_html(
    project: Dataset, ids: np.ndarray | None, title: str, filter: str = "", order: str = ""
) -> str:
    """A contact sheet of at most 48 images with counts by category, under 200 KB.

    Parameters
    ----------
    project : Dataset
        Where its ``thumbnails`` is False, the sheet has no pictures.
    ids : (N,) ndarray of int64, optional
        The images that the labeler shows; all by default.
    title : str
    filter, order : str
        As the labeler's.
    """
    columns = project.columns()
    part = _part(project, columns, ids, filter, order)
    categories = project.category_table()
    parts = [
        f"<p><strong>{escape(title or project.name)}</strong> · {_progress(columns, part)}</p>",
        _counts(columns, part.rows, categories),
    ]
    if project.thumbnails and len(part.rows):
        tiles = _tiles(project, columns, part.rows[:IMAGES], {each.id: each for each in categories})
        parts.append(_table(tiles))
        remarks = []
        if len(part.rows) > len(tiles):
            remarks.append(f"The first {len(tiles)} of {len(part.rows):,} images.")
        if any("<em>" in tile for tile in tiles):
            remarks.append("A dashed line: predicted, not labeled.")
        parts.append(f"<p>{' '.join(remarks)}</p>" if remarks else "")
    return f'<div style="font-family:system-ui,sans-serif;font-size:13px">{"".join(parts)}</div>'


def _part(project: Dataset, columns: Columns, ids: np.ndarray | None, filter: str, order: str) -> _Part:
    part = _Part(np.arange(len(columns.id)) if ids is None else rows_of(columns, ids))
    try:
        if filter:
            chosen = np.isin(columns.id[part.rows], project.select(filter))
            part = _Part(part.rows[chosen], filter)
        return replace(part, rows=ordered(project, columns, part.rows, order))
    except PiximiError as error:
        # A column may have gone since; a notebook must be saved nevertheless.
        return replace(part, problem=str(error))


def _progress(columns: Columns, part: _Part) -> str:
    counted = part.rows[~columns.excluded[part.rows]]
    labeled = int(np.count_nonzero(columns.category_id[counted]))
    words = [f"{labeled:,} of {len(counted):,} labeled"]
    if part.filter:
        words.append(f"where <code>{escape(part.filter[:300])}</code>")
    if part.problem:
        words.append(escape(part.problem[:300]))
    return " · ".join(words)


def _counts(columns: Columns, rows: np.ndarray, categories: list[Category]) -> str:
    used = ~columns.excluded[rows]
    counted = columns.category_id[rows[used]]
    largest = max([int(counted.max(initial=0)), *(each.id for each in categories)])
    numbers = np.bincount(counted, minlength=largest + 1)
    entries = [
        f"{bar(each.color, 'label', 12, 12)}&nbsp;{escape(each.name)}&nbsp;{numbers[each.id]:,}"
        for each in categories[:_NAMED_CATEGORIES]
    ]
    if len(categories) > _NAMED_CATEGORIES:
        further = categories[_NAMED_CATEGORIES:]
        entries.append(f"{len(further)} more categories {sum(int(numbers[each.id]) for each in further):,}")
    entries.append(f"unlabeled&nbsp;{numbers[0]:,}")
    if excluded := len(rows) - len(counted):
        entries.append(f"excluded&nbsp;{excluded:,}")
    return f"<p>{' &nbsp; '.join(entries)}</p>"


def _tiles(
    project: Dataset, columns: Columns, rows: np.ndarray, categories: dict[int, Category]
) -> list[str]:
    started = time.monotonic()
    tiles: list[str] = []
    for size in SIZES:
        tiles = []
        spent = 0
        for row in rows.tolist():
            if time.monotonic() - started > SECONDS:
                return tiles
            image = picture(project, int(columns.id[row]), size, columns.names[row])
            tile = tile_html(_tile(columns, row, categories), image)
            spent += len(tile)
            if spent > BUDGET:
                break
            tiles.append(tile)
            if len(tiles) == _TRIED and size != SIZES[-1] and spent * len(rows) > BUDGET * _TRIED:
                break
        if len(tiles) == len(rows):
            break
    return tiles


def _tile(columns: Columns, row: int, categories: dict[int, Category]) -> Tile:
    return Tile(
        name=columns.names[row],
        label=categories.get(int(columns.category_id[row])),
        prediction=_shown_prediction(columns, row, categories),
        confidence=float(columns.confidence[row]),
        excluded=bool(columns.excluded[row]),
        unsure=bool(columns.unsure[row]),
    )


def _shown_prediction(columns: Columns, row: int, categories: dict[int, Category]) -> Category | None:
    """A prediction that nobody has refused."""
    predicted = int(columns.prediction_id[row])
    return None if predicted == columns.refused[row] else categories.get(predicted)


def _table(tiles: list[str]) -> str:
    # Alike in every row, so that a notebook's stripes do not show.
    lines = [
        f'<tr style="background:none">{"".join(tiles[start : start + COLUMNS])}</tr>'
        for start in range(0, len(tiles), COLUMNS)
    ]
    style = "border-collapse:collapse;border:0;margin:0"
    return f'<div style="overflow-x:auto"><table cellspacing="4" style="{style}"><tbody>{"".join(lines)}</tbody></table></div>'
