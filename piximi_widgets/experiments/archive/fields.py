"""Single values of an archive's record, each of the type and within the range that the store needs."""

from __future__ import annotations

import math
from typing import Any

from ...errors import StoreError
from ..values import clean_name
from .layout import SHA256

_LARGEST = 2**63 - 1
# What a datetime can hold, in milliseconds since 1970.
_EARLIEST, _LATEST = -62_135_596_800_000, 253_402_300_799_999


class Fields:
    """One JSON object with the keys that it must have; each method takes one of them.

    Parameters
    ----------
    where : str
        Names the object in an error, for example ``"line 3 of logs.jsonl"``.
    values : object
    keys : iterable of str

    Raises
    ------
    StoreError
        It is no object, or has other keys. Every method raises it for a value of another kind.
    """

    def __init__(self, where: str, values: Any, keys: tuple[str, ...]) -> None:
        if not isinstance(values, dict) or set(values) != set(keys):
            raise StoreError(f"{where} must be an object with {', '.join(keys)}; nothing was imported.")
        self._where = where
        self._values = values

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def text(self, key: str, *, optional: bool = False) -> Any:
        """Any text that can be stored, also with the character NUL, which a program may print."""
        value = self._values[key]
        if optional and value is None:
            return None
        if not isinstance(value, str):
            raise self._wrong(key, "a text")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise self._wrong(key, "a text") from None
        return value

    def name(self, key: str, longest: int = 200) -> str:
        """A name that the store's own methods would take."""
        value = self.text(key)
        if clean_name(value, f"{self._where}: {key}", longest, StoreError) != value:
            raise self._wrong(key, "a name without blanks around it")
        return str(value)

    def one_of(self, key: str, choices: Any) -> str:
        """One of some words."""
        value = self._values[key]
        if not isinstance(value, str) or value not in list(choices):
            raise self._wrong(key, f"one of {', '.join(choices)}")
        return str(value)

    def whole(self, key: str, low: int = -_LARGEST, high: int = _LARGEST, *, optional: bool = False) -> Any:
        """A whole number in a range."""
        value = self._values[key]
        if optional and value is None:
            return None
        if type(value) is not int or not low <= value <= high:
            raise self._wrong(key, f"a whole number from {low} to {high}")
        return value

    def time(self, key: str, *, optional: bool = False) -> Any:
        """Milliseconds since 1970."""
        return self.whole(key, _EARLIEST, _LATEST, optional=optional)

    def finite(self, key: str) -> float:
        """A number that is neither NaN nor infinite."""
        value = self._values[key]
        if type(value) not in (int, float) or not math.isfinite(value):
            raise self._wrong(key, "a number")
        return float(value)

    def sha256(self, key: str, *, optional: bool = False) -> Any:
        """64 hexadecimal digits."""
        value = self._values[key]
        if optional and value is None:
            return None
        if not isinstance(value, str) or not SHA256.fullmatch(value):
            raise self._wrong(key, "64 hexadecimal digits")
        return value

    def _wrong(self, key: str, expected: str) -> StoreError:
        shown = repr(self._values[key])
        shown = shown if len(shown) <= 60 else f"{shown[:57]}…"
        return StoreError(f"{self._where}: {key} must be {expected}, not {shown}; nothing was imported.")


def check_times(values: Any) -> bool:
    """Whether all of an array are times that a datetime can hold."""
    return bool(((values >= _EARLIEST) & (values <= _LATEST)).all())
