"""The kinds of logs, and the shape that the data of each must have.

Kinds and shapes are those of Picsellia's Experiment, whose records this store can hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import numpy as np

from ..errors import LogError
from .values import plain


class LogType(StrEnum):
    """What a log holds.

    ======== =====================================================================================
    VALUE    one number or string
    LINE     a metric by step: a number, a list of numbers, or ``{"steps": […], "values": […]}``
    TABLE    ``{name: value}``, or ``{"columns": […], "data": [[…]], "rows": […]}``, or a DataFrame
    BAR      ``{"x": [labels], "y": [numbers]}``, optionally with ``"image_list"``
    HEATMAP  ``{"categories": [K names], "values": [K rows of K numbers]}``
    LABELMAP ``{"0": "cat", "1": "dog"}``, or a list of names
    IMAGE    the path of an image file, which is copied into the store
    ======== =====================================================================================

    EVALUATION names Picsellia's per-image results; these go into ``add_evaluations`` here.
    """

    VALUE = "VALUE"
    LINE = "LINE"
    TABLE = "TABLE"
    BAR = "BAR"
    HEATMAP = "HEATMAP"
    LABELMAP = "LABELMAP"
    IMAGE = "IMAGE"
    EVALUATION = "EVALUATION"


def as_log_type(kind: Any) -> LogType:
    """The LogType of that name, or a LogError that lists them."""
    try:
        return LogType(str(kind).upper())
    except ValueError:
        raise LogError(f"{kind!r} is no log type; choose one of {', '.join(LogType)}.") from None


def infer_type(value: Any) -> LogType:
    """The log type whose shape `value` has.

    A number is a point of a LINE and a string a VALUE; tables, bars, heat maps and lines of several
    points are told by their keys.

    Raises
    ------
    LogError
        No shape fits.
    """
    if isinstance(value, str):
        return LogType.VALUE
    if _is_number(value) or _is_sequence(value):
        return LogType.LINE
    if isinstance(value, Mapping):
        keys = set(value)
        for kind, needed in (
            (LogType.LINE, {"steps", "values"}),
            (LogType.HEATMAP, {"categories", "values"}),
            (LogType.BAR, {"x", "y"}),
        ):
            if needed <= keys:
                return kind
        return LogType.TABLE
    if _is_frame(value):
        return LogType.TABLE
    raise LogError(
        f"A log cannot be made of a {type(value).__name__}; give a number, a string, a list of numbers or a dict."
    )


def check_data(kind: LogType, name: str, value: Any) -> Any:
    """Check `value` against the shape of `kind` and reduce it to plain JSON types.

    LINE and IMAGE are not handled here: their data is kept as points and as a file.

    Raises
    ------
    LogError
        The shape is wrong; the message says which was expected.
    """
    what = f"The {kind} {name!r}"
    match kind:
        case LogType.VALUE:
            value = plain(value, what)
            if not isinstance(value, int | float | str):
                raise LogError(f"{what} must be one number or string, not {_short(value)}.")
            return value
        case LogType.TABLE:
            return _table(what, value)
        case LogType.BAR:
            return _bar(what, value)
        case LogType.HEATMAP:
            return _heatmap(what, value)
        case LogType.LABELMAP:
            return _labelmap(what, value)
    raise LogError(f"{what}: per-image results are stored with add_evaluations(), not with log().")


def line_points(name: str, value: Any) -> tuple[list[Any] | None, list[Any]]:
    """Steps (None: after the last) and values of what was given for a LINE."""
    what = f"The LINE {name!r}"
    if isinstance(value, Mapping):
        if set(value) != {"steps", "values"}:
            raise LogError(f'{what} must be {{"steps": […], "values": […]}}, not {_short(value)}.')
        steps, values = list(value["steps"]), list(value["values"])
        if len(steps) != len(values):
            raise LogError(f"{what} has {len(steps)} steps but {len(values)} values; give one step a value.")
        return steps, values
    if _is_sequence(value):
        return None, list(value)
    return None, [value]


def _table(what: str, value: Any) -> dict[str, Any]:
    if _is_frame(value):
        value = {
            "columns": [str(column) for column in value.columns],
            "rows": [str(row) for row in value.index],
            "data": value.astype(object).to_numpy().tolist(),
        }
    table = plain(value, what)
    if not isinstance(table, dict):
        raise LogError(
            f'{what} must be {{name: value}} or {{"columns": […], "data": [[…]]}}, not {_short(value)}.'
        )
    if not ({"columns", "data"} <= set(table) <= {"columns", "data", "rows"}):
        return table
    columns, data = table["columns"], table["data"]
    if not isinstance(columns, list) or not isinstance(data, list):
        raise LogError(f"{what}: columns must be a list of names and data a list of rows.")
    rows = table.get("rows", [str(number) for number in range(1, len(data) + 1)])
    if not isinstance(rows, list) or len(rows) != len(data):
        raise LogError(f"{what} names {len(rows)} rows but holds {len(data)}; give one name a row.")
    for name, row in zip(rows, data, strict=True):
        if not isinstance(row, list) or len(row) != len(columns):
            raise LogError(
                f"{what}: row {name!r} must have {len(columns)} cells, one a column: {_short(row)}."
            )
    return {"columns": columns, "rows": rows, "data": data}


def _bar(what: str, value: Any) -> dict[str, Any]:
    bar = plain(value, what)
    if not isinstance(bar, dict) or not ({"x", "y"} <= set(bar) <= {"x", "y", "image_list"}):
        raise LogError(f'{what} must be {{"x": [labels], "y": [numbers]}}, not {_short(value)}.')
    for key, items in bar.items():
        if not isinstance(items, list) or len(items) != len(bar["x"]):
            raise LogError(
                f"{what}: x, y and image_list must be lists of one length; {key} is {_short(items)}."
            )
    if not all(_is_number(height) for height in bar["y"]):
        raise LogError(f"{what}: y must hold numbers, not {_short(bar['y'])}.")
    return bar


def _heatmap(what: str, value: Any) -> dict[str, Any]:
    heatmap = plain(value, what)
    if not isinstance(heatmap, dict) or set(heatmap) != {"categories", "values"}:
        raise LogError(f'{what} must be {{"categories": […], "values": [[…]]}}, not {_short(value)}.')
    categories, values = heatmap["categories"], heatmap["values"]
    if not isinstance(categories, list) or not isinstance(values, list) or len(values) != len(categories):
        raise LogError(
            f"{what} needs a row of values for each category; the categories are {_short(categories)}."
        )
    for name, row in zip(categories, values, strict=True):
        if not isinstance(row, list) or len(row) != len(categories) or not all(map(_is_number, row)):
            raise LogError(
                f"{what}: the row of {name!r} must be {len(categories)} numbers, not {_short(row)}."
            )
    return heatmap


def _labelmap(what: str, value: Any) -> dict[str, str]:
    if isinstance(value, list | tuple):
        value = dict(enumerate(value))
    if not isinstance(value, Mapping):
        raise LogError(f'{what} must be {{"0": name, "1": name}} or a list of names, not {_short(value)}.')
    labels: dict[str, str] = {}
    for index, label in value.items():
        if isinstance(index, bool) or not str(index).isdecimal() or not isinstance(label, str):
            raise LogError(f"{what} maps indices from 0 to names; {index!r}: {label!r} is neither.")
        labels[str(int(index))] = str(label)
    if len(labels) != len(value):
        raise LogError(f"{what} gives one index twice.")
    return labels


def _is_number(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim == 0 and value.dtype.kind in "fiub"
    return isinstance(value, int | float | np.number)


def _is_sequence(value: Any) -> bool:
    return isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim == 1)


def _is_frame(value: Any) -> bool:
    return all(hasattr(value, attribute) for attribute in ("columns", "index", "to_numpy"))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
