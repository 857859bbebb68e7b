"""Names, colors and keys of categories."""

from __future__ import annotations

import difflib
import sqlite3
import unicodedata
from collections.abc import Collection, Iterable
from typing import Any

from PIL import ImageColor

from ...errors import CategoryError
from ..records import Category
from ..sql import categories as sql

LONGEST_NAME = 100

# What the labeler's own commands are done with.
TAKEN_KEYS = frozenset("uhv?+-=,.")

# Okabe and Ito's colors without black, then colors found by search: all differ by at least 10.9 in CIEDE2000, also for
# protanopes, deuteranopes and tritanopes as Machado, Oliveira and Fernandes (2009) simulate them. The labeler has the same.
PALETTE = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
    "#f0e442",
    "#553333",
    "#ccddcc",
    "#992200",
    "#003388",
    "#666666",
    "#44eeff",
    "#1100ee",
    "#8877ff",
    "#444455",
)


def checked_name(name: Any) -> str:
    """A category's name without surrounding blanks, in Unicode's composed form.

    Raises
    ------
    CategoryError
        If it is no text, empty, or longer than 100 characters.
    """
    if not isinstance(name, str):
        raise CategoryError(f"A category's name is a text, not {type(name).__name__} {name!r}.")
    # Two names that look alike must be alike, whichever keyboard or file system they came from.
    tidy = unicodedata.normalize("NFC", name).strip()
    if not tidy:
        raise CategoryError("A category needs a name; this one is empty.")
    if len(tidy) > LONGEST_NAME:
        raise CategoryError(
            f"The name “{tidy[:30]}…” has {len(tidy)} characters; use at most {LONGEST_NAME}."
        )
    if any(unicodedata.category(character) == "Cs" for character in tidy):
        raise CategoryError(f"The name {tidy!a} is not valid Unicode; type it again.")
    return tidy


def checked_color(color: Any) -> str:
    """A color as ``"#rrggbb"`` in lower case; CSS names are understood.

    Raises
    ------
    CategoryError
        If it is not a color.
    """
    try:
        if not isinstance(color, str) or len(color) > 64:
            raise ValueError
        red, green, blue = ImageColor.getrgb(color.strip())[:3]
        # Pillow takes rgb(300, 0, 0), and hsl() with more than 100 %.
        if not all(0 <= part <= 255 for part in (red, green, blue)):
            raise ValueError
    except ValueError:
        raise CategoryError(f'{str(color)[:64]!r} is not a color; write it like "#0072b2".') from None
    return f"#{red:02x}{green:02x}{blue:02x}"


def checked_key(key: Any) -> str:
    """A category's key in lower case; empty to have none.

    Raises
    ------
    CategoryError
        If it is not one visible character, or one that the labeler needs for itself.
    """
    if not isinstance(key, str):
        raise CategoryError(f"A key is one character, not {key!r}; an empty text takes it away.")
    tidy = unicodedata.normalize("NFC", key).lower()
    if not tidy:
        return ""
    if len(tidy) != 1 or not tidy.isprintable() or tidy.isspace():
        raise CategoryError(f"A key is one character, such as a letter or a digit, not {key[:20]!r}.")
    if tidy in TAKEN_KEYS:
        raise CategoryError(
            f"The labeler uses the key {tidy} for something else; take any but {' '.join(sorted(TAKEN_KEYS))}."
        )
    return tidy


def next_color(used: Collection[str]) -> str:
    """The first color of the palette that is used least."""
    counts = dict.fromkeys(PALETTE, 0)
    for color in used:
        if color in counts:
            counts[color] += 1
    return min(PALETTE, key=counts.__getitem__)


def listed(rows: Iterable[sqlite3.Row]) -> list[Category]:
    """Categories of the rows of `sql.live`."""
    return [_category(row) for row in rows]


def _category(row: sqlite3.Row) -> Category:
    return Category(row["name"], row["color"], row["id"], row["key"])


def found(connection: sqlite3.Connection, which: str | int) -> Category:
    """The category of a name or an id.

    Raises
    ------
    CategoryError
        If there is none; the message names categories with similar names.
    """
    if isinstance(which, int) and not isinstance(which, bool):
        row = sql.by_id(connection, which) if 0 < which < 2**63 else None
        if row is None:
            raise CategoryError(f"There is no category with the id {which}; it may have been removed.")
        return _category(row)
    name = checked_name(which)
    categories = listed(sql.live(connection))
    for category in categories:
        if category.name == name:
            return category
    names = [category.name for category in categories]
    similar = difflib.get_close_matches(name, names, n=3)
    if similar:
        advice = f"did you mean {' or '.join(f'“{other}”' for other in similar)}?"
    elif names:
        advice = f"there are {', '.join(f'“{other}”' for other in names[:10])}."
    else:
        advice = "there is none yet."
    raise CategoryError(f"There is no category “{name}”; {advice} add_category({name!r}) makes it.")


def refuse_taken(connection: sqlite3.Connection, name: str, *, but: int = 0) -> None:
    """Raise `CategoryError` when another category has that name, be it in capitals."""
    for category in listed(sql.live(connection)):
        if category.id != but and category.name.casefold() == name.casefold():
            differs = "" if category.name == name else f", and “{name}” differs from it by capitals only"
            raise CategoryError(
                f"There is a category “{category.name}” already{differs}; choose another name."
            )
