"""One tile of the contact sheet in a saved notebook."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass
from functools import lru_cache
from html import escape

from PIL import Image

from ...dataset import Dataset
from ...dataset.records import Category

SIDE = 72
_LETTERS = 12
_CELL = f"width:{SIDE + 8}px;padding:2px 4px 8px;text-align:center;vertical-align:top;border:0;font-size:11px;line-height:1.35"
# Small images are enlarged as pixels: smoothed, they would show what was never measured.
_PICTURE = (
    "width:72px;height:72px;object-fit:contain;image-rendering:pixelated;margin:0;vertical-align:bottom"
)
_GREY = "#8a8f98"


@dataclass(frozen=True)
class Tile:
    """What a tile tells about its image."""

    name: str
    label: Category | None = None
    prediction: Category | None = None
    confidence: float = 0.0
    excluded: bool = False
    unsure: bool = False


def tile_html(tile: Tile, image: str) -> str:
    """A table's cell: the picture, a bar in the colour, and words.

    A label has a whole bar; a prediction a dashed one and its confidence in percent.
    """
    if tile.label is not None:
        line, words = bar(tile.label.color, "label", SIDE, 5), _short(tile.label.name)
    elif tile.prediction is not None:
        percent = f"{int(100 * tile.confidence + 0.5)}%"
        line = bar(tile.prediction.color, "prediction", SIDE, 5)
        words = f"<em>{_short(tile.prediction.name)}<br>{percent}</em>"
    else:
        line, words = bar(_GREY, "none", SIDE, 5), "–"
    if tile.unsure:
        words += " ?"
    if tile.excluded:
        line, words = bar(_GREY, "excluded", SIDE, 5), f"<s>{words}</s><br>excluded"
        image = f'<span style="opacity:0.35">{image}</span>'
    full = escape(_full(tile), quote=True)
    return f'<td align="center" valign="top" style="{_CELL}" title="{full}">{image}<br>{line}<br>{words}</td>'


def picture(project: Dataset, image_id: int, size: int, name: str) -> str:
    """An image's thumbnail, or a sign and the reason why there is none."""
    try:
        png = project.thumbnail(image_id, size)
    except Exception as error:
        # A missing file must not keep the notebook from being saved; its place says why.
        return f'<span title="{escape(str(error)[:200], quote=True)}">no picture</span>'
    width, height = _fitted(png)
    alt = escape(name[:60], quote=True)
    return f'<img alt="{alt}" width="{width}" height="{height}" style="{_PICTURE}" src="{_source(png)}">'


@lru_cache(maxsize=256)
def _parts(color: str) -> tuple[int, ...]:
    """Red, green and blue; grey for what an older version has stored as a color and is none."""
    return tuple(bytes.fromhex(color[1:])) if re.fullmatch("#[0-9a-f]{6}", color) else (128, 128, 128)


def bar(color: str, kind: str, width: int, height: int) -> str:
    """A bar that is whole for a ``label``, dashed for a ``prediction``, dotted for ``excluded`` and thin for ``none``.

    A picture, since colours of the text are taken away where styles are.
    """
    image = Image.new("P", (width, height), 1)
    image.putpalette([0, 0, 0, *_parts(color)])
    # In pixels: how long a dash is, and the gap behind it.
    dash, gap = {"prediction": (8, 5), "excluded": (2, 4)}.get(kind, (width, 0))
    for x in range(width):
        if x % (dash + gap) >= dash:
            image.paste(0, (x, 0, x + 1, height))
    if kind == "none":
        image.paste(0, (0, 1, width, height))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", bits=1, transparency=0, optimize=True)
    return f'<img alt="" width="{width}" height="{height}" style="margin:0;display:inline" src="{_source(buffer.getvalue())}">'


def _fitted(png: bytes) -> tuple[int, int]:
    """The size at which the longest side is that of the tile."""
    with Image.open(io.BytesIO(png)) as image:
        width, height = image.size
    scale = SIDE / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _source(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _short(name: str) -> str:
    return escape(name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…")


def _full(tile: Tile) -> str:
    words = [tile.name[:60]]
    if tile.label is not None:
        words.append(tile.label.name)
    elif tile.prediction is not None:
        words.append(f"predicted: {tile.prediction.name}")
    if tile.unsure:
        words.append("unsure")
    return ", ".join(words)
