"""What stands in a notebook where the widget does not run: the first images with their categories, and the counts."""

from __future__ import annotations

import base64
from html import escape
from typing import Any

import numpy as np

from ...dataset import Dataset
from ...dataset.records import Category, Columns
from .packing import rows_of

IMAGES = 48
# Shared notebooks stay small: pictures get smaller first, then fewer.
BUDGET = 180_000
SIZES = (72, 48, 32)

_CARD = "display:inline-block;width:78px;margin:0 6px 8px 0;vertical-align:top;font-size:11px;line-height:1.3"
_FRAME = "display:block;width:78px;height:78px;line-height:78px;text-align:center;background:#101216;border-radius:4px"
_CLIP = "display:block;overflow:hidden;text-overflow:ellipsis;white-space:nowrap"


def fallback_html(project: Dataset, ids: np.ndarray | None, title: str) -> str:
    """A contact sheet of at most 48 images with counts by category, under 200 KB.

    Parameters
    ----------
    project : Dataset
        Where its ``thumbnails`` is False, the sheet has no pictures.
    ids : (N,) ndarray of int64, optional
        The images that the labeler shows; all by default.
    title : str
    """
    columns = project.columns()
    rows = np.arange(len(columns.id)) if ids is None else rows_of(columns, ids)
    categories = {category.id: category for category in project.category_table()}
    parts = [f"<p><strong>{escape(title or project.name)}</strong> · {_progress(columns, rows)}</p>"]
    parts.append(_counts(columns, rows, list(categories.values())))
    if project.thumbnails:
        cards = _cards(project, columns, rows[:IMAGES], categories)
        parts.append(f"<div>{''.join(cards)}</div>")
        if len(rows) > len(cards):
            parts.append(f"<p>The first {len(cards)} of {len(rows):,} images.</p>")
    return f'<div style="font-family:system-ui,sans-serif;font-size:13px">{"".join(parts)}</div>'


def _progress(columns: Columns, rows: np.ndarray) -> str:
    counted = rows[~columns.excluded[rows]]
    labeled = int(np.count_nonzero(columns.category_id[counted]))
    return f"{labeled:,} of {len(counted):,} labeled"


def _counts(columns: Columns, rows: np.ndarray, categories: list[Category]) -> str:
    counted = columns.category_id[rows[~columns.excluded[rows]]]
    entries = [
        f'<span style="margin-right:14px;white-space:nowrap">{_swatch(category.color)}{escape(category.name)}'
        f" {int(np.count_nonzero(counted == category.id)):,}</span>"
        for category in categories
    ]
    return f"<p>{' '.join(entries)}</p>" if entries else ""


def _swatch(color: str) -> str:
    style = f"display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:5px;background:{escape(color)}"
    return f'<span style="{style}"></span>'


def _cards(
    project: Dataset, columns: Columns, rows: np.ndarray, categories: dict[int, Category]
) -> list[str]:
    cards: list[str] = []
    for size in SIZES:
        cards = []
        spent = 0
        for row in rows.tolist():
            card = _card(project, columns, row, size, categories)
            spent += len(card)
            if spent > BUDGET:
                break
            cards.append(card)
        if len(cards) == len(rows):
            break
    return cards


def _card(project: Dataset, columns: Columns, row: int, size: int, categories: dict[int, Category]) -> str:
    category = categories.get(int(columns.category_id[row]))
    name = escape(columns.names[row][:60], quote=True)
    label = f"{_swatch(category.color)}{escape(category.name)}" if category else "unlabeled"
    return (
        f'<span style="{_CARD}" title="{name}"><span style="{_FRAME}">{_picture(project, int(columns.id[row]), size)}'
        f'</span><span style="{_CLIP}">{label}</span></span>'
    )


def _picture(project: Any, image_id: int, size: int) -> str:
    try:
        png = project.thumbnail(image_id, size)
    except Exception as error:
        # A missing file must not keep the notebook from being saved; its place says why.
        return f'<span style="color:#aaa" title="{escape(str(error), quote=True)}">×</span>'
    data = base64.b64encode(png).decode()
    # Small images are enlarged as pixels: smoothed, they would show what was never measured.
    style = (
        "width:72px;height:72px;object-fit:contain;image-rendering:pixelated;display:inline-block;margin:0"
    )
    return f'<img alt="" style="{style}" src="data:image/png;base64,{data}">'
