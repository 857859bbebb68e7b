"""Wells, rows, columns and other values of metadata in one form, however a name or a table writes them."""

from __future__ import annotations

import re
from typing import Any

_NUMBERS = frozenset({"site", "time", "column", "channel", "z"})
_WELL = re.compile(r"([A-Za-z]{1,2})(\d{1,2})")


def identity_value(column: str, value: Any) -> Any:
    """A value of a metadata column in the form in which a pattern gives it, so that tables can be compared.

    Wells become ``"A01"``, rows letters, and site, time and column whole numbers; other values become texts.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip()
    if column in _NUMBERS and text.isdecimal():
        return int(text)
    if column == "row":
        return _row_letters(int(text)) if text.isdecimal() and int(text) else text.upper()
    if column == "well":
        if text.isdecimal():
            return int(text)
        match = _WELL.fullmatch(text)
        return f"{match[1].upper()}{int(match[2]):02d}" if match else text
    return text


def natural(text: str) -> list[Any]:
    """Sort key that puts ``img2`` before ``img10``."""
    parts = re.split(r"([0-9]+)", text)
    return [int(part) if index % 2 else part.casefold() for index, part in enumerate(parts)]


def complete_well(metadata: dict[str, Any]) -> str | None:
    """Fill the well from row and column or these from it; a sentence if they contradict each other."""
    row, column = metadata.get("row"), metadata.get("column")
    match = _WELL.fullmatch(str(metadata.get("well", "")))
    if match is not None:
        if row not in (None, match[1]) or column not in (None, int(match[2])):
            return f"it names the well {metadata['well']}, but the row {row} and the column {column}"
        metadata.update(row=match[1], column=int(match[2]))
    elif "well" not in metadata and isinstance(row, str) and row.isalpha() and isinstance(column, int):
        metadata["well"] = f"{row}{column:02d}"
    return None


def _row_letters(number: int) -> str:
    """1 is A, 26 is Z, 27 is AA."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
