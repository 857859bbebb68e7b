"""NumPy's whole numbers mean what Python's do, and one number needs no brackets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import Any


def whole_number(value: Any) -> Any:
    """A whole number of any kind as an int; anything else as it is."""
    return int(value) if isinstance(value, Integral) and not isinstance(value, bool) else value


def listed_numbers(value: Any) -> Any:
    """One or several whole numbers as a tuple of ints; anything else as it is."""
    single = whole_number(value)
    if isinstance(single, int) and not isinstance(single, bool):
        return (single,)
    if isinstance(value, Iterable) and not isinstance(value, str | Mapping):
        return tuple(whole_number(item) for item in value)
    return value
