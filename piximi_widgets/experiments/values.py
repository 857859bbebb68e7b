"""Values as the store keeps them: plain JSON types, NaN and infinities included."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import numpy as np

from ..errors import LogError, StoreError

PARAMETERS = "parameters"
LABELMAP = "labelmap"
"""The logs that every experiment has."""
LONGEST_EXPERIMENT_NAME = 60
LARGEST_JSON = 16 * 2**20
"""Bytes of the largest value that is kept as JSON."""
_LONGEST_NAME = 200
_TYPES = {
    type(None): "null",
    bool: "bool",
    int: "int",
    float: "float",
    str: "str",
    list: "list",
    dict: "dict",
}


def now() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


def as_datetime(milliseconds: int | None) -> datetime | None:
    """The moment as an aware UTC datetime; None stays None."""
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)


def plain(value: Any, what: str) -> Any:
    """Reduce `value` to None, bool, int, float, str, list and dict.

    NumPy scalars and arrays, tuples and enumerations are converted.

    Parameters
    ----------
    value : object
    what : str
        Names the value in an error message.

    Raises
    ------
    LogError
        A type that JSON does not know, a dict key that is not a string, or lists and dicts hundreds deep.
    """
    try:
        return _plain(value, what)
    except RecursionError:
        raise LogError(f"{what} holds itself, or is nested too deeply to be stored.") from None


def _plain(value: Any, what: str) -> Any:
    if isinstance(value, Enum):
        return _plain(value.value, what)
    if value is None or isinstance(value, bool):
        return value
    # subclasses (a StrEnum, np.float64) would not come back as what they were
    for simple in (int, float, str):
        if isinstance(value, simple):
            return simple(value)
    if isinstance(value, np.generic):
        return _plain(value.item(), what)
    if isinstance(value, np.ndarray):
        return _plain(value.tolist(), what)
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise LogError(f"{what} has the key {key!r}; keys must be strings, so write {str(key)!r}.")
        return {str(key): _plain(item, f"{what}[{key!r}]") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{what}[{index}]") for index, item in enumerate(value)]
    raise LogError(
        f"{what} is a {type(value).__name__}, which cannot be stored; "
        "give a number, a string, a bool, None, or lists and dicts of these."
    )


def to_json(value: Any, what: str) -> str:
    """JSON text of `value`; NaN and infinities as Python's json writes them."""
    return encoded(plain(value, what), what)


def encoded(value: Any, what: str) -> str:
    """JSON text of a value that `plain` returned.

    Raises
    ------
    LogError
        It is longer than `LARGEST_JSON`, or holds a number of thousands of digits.
    """
    try:
        text = json.dumps(value, separators=(",", ":"))
    except ValueError as error:
        # Python writes no whole number of more than 4300 digits
        raise LogError(f"{what} cannot be stored: {error}.") from None
    if len(text) > LARGEST_JSON:
        raise LogError(
            f"{what} is too large: {len(text) / 2**20:.1f} MiB as JSON, of at most {LARGEST_JSON // 2**20}. Store it as "
            "a file with artifacts.store() instead."
        )
    return text


def type_name(value: Any) -> str:
    """The stored type name of a plain value: null, bool, int, float, str, list or dict."""
    return _TYPES[type(value)]


def encode_parameters(parameters: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Rows (name, type, JSON) of experiment parameters, in their order.

    Raises
    ------
    LogError
        `parameters` is not a mapping from names to values that JSON knows.
    """
    if not isinstance(parameters, Mapping):
        raise LogError(f"Parameters must be a dict from names to values, not a {type(parameters).__name__}.")
    rows = []
    for name, value in parameters.items():
        cleaned = clean_name(name, "A parameter's name")
        value = plain(value, f"Parameter {cleaned!r}")
        rows.append((cleaned, type_name(value), encoded(value, f"Parameter {cleaned!r}")))
    if len({row[0] for row in rows}) != len(rows):
        raise LogError("Two parameters have the same name but for surrounding blanks; rename one.")
    return rows


def changed_parameters(old: list[tuple[str, str, str]], new: list[tuple[str, str, str]]) -> str:
    """JSON of what differs between two lists of rows (name, type, JSON): ``{"name": [old, new]}``; None: not there."""
    before, after = ({name: json.loads(value) for name, _, value in rows} for rows in (old, new))
    texts = [{name: (kind, value) for name, kind, value in rows} for rows in (old, new)]
    names = [name for name in {**after, **before} if texts[0].get(name) != texts[1].get(name)]
    return encoded({name: [before.get(name), after.get(name)] for name in names}, "The changed parameters")


def clean_name(name: Any, what: str, longest: int = _LONGEST_NAME, error: type[StoreError] = LogError) -> str:
    """Strip a name and check it.

    Raises
    ------
    error
        Not a string, empty, longer than `longest` characters, or with control characters.
    """
    if not isinstance(name, str):
        raise error(f"{what} must be a string, not {name!r}.")
    stripped = str(name).strip()
    if not stripped:
        raise error(f"{what} is empty; give it at least one character.")
    if len(stripped) > longest:
        raise error(f"{what} may have at most {longest} characters, and {stripped!r} has {len(stripped)}.")
    if any(ord(character) < 32 or 0xD800 <= ord(character) <= 0xDFFF for character in stripped):
        raise error(f"{what} may not contain control characters: {stripped!r}.")
    return stripped


def is_text(value: Any) -> bool:
    """Whether it is a string that can be stored: one with halves of surrogate pairs has no UTF-8."""
    return isinstance(value, str) and not any(0xD800 <= ord(character) <= 0xDFFF for character in value)


def clean_text(text: Any, what: str) -> str:
    """The text itself, or a StoreError for what is no string, or none that can be stored."""
    if not isinstance(text, str):
        raise StoreError(f"{what} must be a string, not {text!r}.")
    if not is_text(text):
        raise StoreError(
            f"{what} has characters that are none, as of a file's name that is not UTF-8: {text!r}."
        )
    return text


def shown(text: str) -> str:
    """A text that was printed, in which what has no UTF-8 is written as an escape: it was not for us to refuse it."""
    return text.encode("utf-8", "backslashreplace").decode()


def clean_experiment_name(name: Any) -> str:
    """A stripped experiment name of 1 to 60 characters, or a StoreError."""
    return clean_name(name, "An experiment's name", LONGEST_EXPERIMENT_NAME, StoreError)


def numbered_name(name: str, number: int) -> str:
    """`name` for number 1, otherwise ``"name 2"``, shortened so that it stays within 60 characters."""
    if number == 1:
        return name
    ending = f" {number}"
    return name[: LONGEST_EXPERIMENT_NAME - len(ending)].rstrip() + ending
