"""What a person may set for the display of images; each function raises `ConfigurationError` with a sentence."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import ConfigurationError

# Piximi's default colours in their order; every further channel is white.
COLORS = {
    "red": "#ff0000",
    "green": "#00ff00",
    "blue": "#0000ff",
    "yellow": "#ffff00",
    "cyan": "#00ffff",
    "magenta": "#ff00ff",
    "white": "#ffffff",
}
PERCENTILES = (0.1, 99.9)
LONGEST_NAME = 100
_PAIRS = {
    "window": ("A window is", (100, 4000)),
    "percentiles": ("Percentiles are", PERCENTILES),
}


def finite(value: Any) -> float | None:
    """A finite number as float; None for anything else, truth values too."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def checked_pair(field: str, value: Any) -> tuple[float, float]:
    """Two finite numbers in ascending order, for the setting `field`."""
    numbers = [finite(end) for end in value] if isinstance(value, (tuple, list, np.ndarray)) else []
    if len(numbers) == 2 and numbers[0] is not None and numbers[1] is not None:
        low, high = numbers[0], numbers[1]
        if low < high and math.isfinite(high - low):
            return low, high
    what, example = _PAIRS[field]
    raise ConfigurationError(
        {field: f"{what} two numbers, the lower one first, like {example}; got {value!r:.60}."}
    )


def checked_color(color: Any) -> str:
    """A color as ``"#rrggbb"`` in lower case."""
    if isinstance(color, str):
        text = COLORS.get(color.strip().lower(), color.strip().lower())
        if len(text) == 7 and text[0] == "#" and all(digit in "0123456789abcdef" for digit in text[1:]):
            return text
    raise ConfigurationError(
        {"color": f'A color is written like "#00ff00", or one of {", ".join(COLORS)}; got {color!r:.60}.'}
    )


def checked_name(name: Any) -> str:
    """A channel's name without surrounding blanks."""
    if isinstance(name, str) and 0 < len(name.strip()) <= LONGEST_NAME and storable(name) == name:
        return name.strip()
    raise ConfigurationError(
        {"name": f"A channel's name is a text of 1 to {LONGEST_NAME} characters, not {name!r:.60}."}
    )


def storable(text: str) -> str:
    """A text that a database takes: halves of surrogate pairs, which are no characters, become ``?``."""
    return text.encode("utf-8", "replace").decode("utf-8")
