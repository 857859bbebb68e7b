"""Texts as codes into a list of the different ones, in the order in which a person would look for them."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

_NUMBER = re.compile(r"0*([0-9]+)")


def natural_key(text: str) -> str:
    """What to sort by so that ``img2`` comes before ``img10``, whatever the capitals."""
    return _NUMBER.sub(_sortable, text.casefold())


def coded(values: Iterable[str | None]) -> tuple[np.ndarray, list[str]]:
    """Texts as positions in the sorted list of the different ones, -1 for None.

    Returns
    -------
    codes : (N,) ndarray of int32
    different : list of str
        In natural order, so that codes sort as their texts do.
    """
    texts = list(values)
    # Twice, so that texts that differ in capitals only have an order of their own.
    different = sorted(sorted({text for text in texts if text is not None}), key=natural_key)
    place: dict[str | None, int] = {text: code for code, text in enumerate(different)}
    place[None] = -1
    return np.fromiter(map(place.__getitem__, texts), dtype=np.int32, count=len(texts)), different


def _sortable(number: re.Match[str]) -> str:
    digits = number[1]
    # The more digits the larger. The 0 in front keeps numbers where digits stand among other characters.
    return f"0{chr(len(digits))}{digits}"
