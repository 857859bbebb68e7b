"""How a dataset and a dataset version look in a saved notebook: small, and readable without a kernel."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from .. import imaging
from ..errors import ImageReadError, ProjectError, SelectionError
from .records import PARTITIONS

if TYPE_CHECKING:
    from .labels.labeling import Labeling
    from .versions.versions import DatasetVersion

_PICTURES = 24
_SIZE = 56
_COLUMNS = 12
_MOST_SHEET_BYTES = 90_000
_MOST_ROWS = 60


def dataset_html(dataset: Labeling) -> str:
    """Name, counts for each category and partition, and some of the images; at most 200 KB."""
    categories = dataset.category_table()
    counts = dataset.counts()
    rows: list[tuple[str, str | None, np.ndarray]] = [
        (category.name, category.color, counts[category.id]) for category in categories[:_MOST_ROWS]
    ]
    rows.append(("unlabeled", None, counts[0]))
    columns = dataset.columns()
    excluded = int(columns.excluded.sum())
    title = f"<b>{_text(dataset.name)}</b> — {len(columns.id):,} images, {len(categories):,} categories"
    if excluded:
        title += f", {excluded:,} excluded"
    more = len(categories) - _MOST_ROWS
    return _page(
        title,
        rows,
        f"… and {more} more categories" if more > 0 else "",
        _sheet(dataset, _spread(columns.category_id, columns.id)),
    )


def version_html(dataset: Labeling, version: DatasetVersion) -> str:
    """Name, fingerprint, counts for each class and partition, and some of the images; at most 200 KB."""
    table = np.zeros((len(version.classes), len(PARTITIONS)), dtype=np.int64)
    np.add.at(table, (version.labels, version.partitions), 1)
    rows: list[tuple[str, str | None, np.ndarray]] = [
        (name, None, table[index]) for index, name in enumerate(version.classes[:_MOST_ROWS])
    ]
    title = (
        f"Dataset version <b>{_text(version.name)}</b> — {len(version):,} images,"
        f" {len(version.classes):,} classes<br><small>{version.created:%Y-%m-%d %H:%M} UTC, fingerprint"
        f" <code>{_text(version.fingerprint[:16])}…</code></small>"
    )
    more = len(version.classes) - _MOST_ROWS
    return _page(
        title,
        rows,
        f"… and {more} more classes" if more > 0 else "",
        _sheet(dataset, _spread(version.labels, version.ids)),
    )


def _page(title: str, rows: Sequence[tuple[str, str | None, np.ndarray]], more: str, sheet: str) -> str:
    # Colors of text and background are the notebook's own, so that it suits a light and a dark page.
    cell = 'style="text-align:right"'
    head = "".join(f"<th {cell}>{name}</th>" for name in (*PARTITIONS[1:], PARTITIONS[0], "all"))
    body = []
    for name, color, counts in rows:
        swatch = (
            f'<span style="display:inline-block;width:.8em;height:.8em;border-radius:2px;background:{color}">'
            "</span> "
            if color
            else ""
        )
        numbers = [*counts[1:].tolist(), int(counts[0]), int(counts.sum())]
        cells = "".join(f"<td {cell}>{number:,}</td>" for number in numbers)
        body.append(f'<tr><td style="text-align:left">{swatch}{_text(name)}</td>{cells}</tr>')
    return (
        f"<div><p>{title}</p><table><thead><tr><th></th>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
        f"{f'<p>{_text(more)}</p>' if more else ''}{sheet}</div>"
    )


def _text(value: str) -> str:
    return html.escape(value, quote=True)


def _spread(groups: np.ndarray, ids: np.ndarray) -> list[int]:
    """Some ids, of each group in turn, so that rare categories are seen too."""
    if not len(ids):
        return []
    order = np.argsort(groups, kind="stable")
    _, starts, counts = np.unique(groups[order], return_index=True, return_counts=True)
    rank = np.arange(len(ids)) - np.repeat(starts, counts)
    chosen = order[np.argsort(rank, kind="stable")[:_PICTURES]]
    return ids[np.sort(chosen)].tolist()


def _sheet(dataset: Labeling, ids: list[int]) -> str:
    if not dataset.thumbnails or not ids:
        return ""
    pictures = []
    for image_id in ids:
        try:
            png = dataset.thumbnail(image_id, _SIZE)
        except (ImageReadError, SelectionError, ProjectError):
            # A missing file, a removed image or a closed project leaves a gap; a page to look at must not stop at it.
            continue
        with Image.open(io.BytesIO(png)) as image:
            pictures.append(np.asarray(image.convert("RGB")))
    png = imaging.contact_sheet(pictures, _COLUMNS) if pictures else b""
    while len(png) > _MOST_SHEET_BYTES and len(pictures) > 1:
        pictures = pictures[: len(pictures) // 2]
        png = imaging.contact_sheet(pictures, _COLUMNS)
    if not png:
        return ""
    encoded = base64.b64encode(png).decode("ascii")
    return (
        f'<img alt="{len(pictures)} images of the project" src="data:image/png;base64,{encoded}"'
        ' style="image-rendering:auto;max-width:100%">'
    )
