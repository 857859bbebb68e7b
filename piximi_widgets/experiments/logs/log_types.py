"""The kinds of logs, and the shape that the data of each must have.

Kinds and shapes are those of Picsellia's Experiment, whose records this store can hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import numpy as np

from ...errors import LogError
from ..values import plain
from .pictures import is_picture

_IMAGE_KEYS = ("image", "image_id", "asset_id", "filename")


class LogType(StrEnum):
    """What a log holds.

    ======== =====================================================================================
    VALUE    one number or string
    LINE     a metric by step: a number, a list of numbers, or ``{"steps": […], "values": […]}``
    TABLE    ``{name: value}``, or ``{"columns": […], "data": [[…]], "rows": […]}``, or a DataFrame
    BAR      ``{"x": [labels], "y": [numbers]}``, optionally with ``"image_list"``
    HEATMAP  ``{"categories": [K names], "values": [K rows of K numbers]}``
    LABELMAP ``{"0": "cat", "1": "dog"}``, or a list of names
    IMAGE    the path of an image file, which is copied into the store; pixels, (height, width) or
             (height, width, channels) of uint8, or a PIL image, which are stored as PNG
    ======== =====================================================================================

    A VALUE may also be ``{"value": x}``. An EVALUATION is the older form of per-image results, which is kept
    as it is and which nothing is computed from: ``{image: {…}}``, or a list of dicts that each name their
    image under ``"image"``, ``"image_id"``, ``"asset_id"`` or ``"filename"``. For results that are to be
    counted, there is ``add_evaluations``.
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
    points are told by their keys. A path object, a PIL image and uint8 pixels are an IMAGE.

    Raises
    ------
    LogError
        No shape fits.
    """
    if is_picture(value):
        return LogType.IMAGE
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
            if isinstance(value, Mapping) and set(value) == {"value"}:
                value = value["value"]
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
        case LogType.EVALUATION:
            return _evaluation(what, value)
    raise ValueError(f"{what} is not kept as JSON")


def line_points(name: str, value: Any) -> tuple[list[Any] | None, list[Any]]:
    """Steps (None: after the last) and values of what was given for a LINE."""
    what = f"The LINE {name!r}"
    if isinstance(value, Mapping):
        if set(value) != {"steps", "values"}:
            raise LogError(f'{what} must be {{"steps": […], "values": […]}}, not {_short(value)}.')
        steps, values = value["steps"], value["values"]
        if not _is_sequence(steps) or not _is_sequence(values):
            raise LogError(
                f"{what}: steps and values must be lists, not {_short(steps)} and {_short(values)}."
            )
        steps, values = list(steps), list(values)
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


def _evaluation(what: str, value: Any) -> Any:
    expected = (
        f"{what} must be {{image: {{…}}}}, or a list of dicts that each name their image under "
        f"{', '.join(map(repr, _IMAGE_KEYS[:-1]))} or {_IMAGE_KEYS[-1]!r}"
    )
    if isinstance(value, Mapping):
        # ids of images are whole numbers, which are no keys of JSON
        value = {str(key) if isinstance(key, int | np.integer) else key: item for key, item in value.items()}
        rows = plain(value, what)
        if not all(isinstance(row, dict) for row in rows.values()):
            raise LogError(f"{expected}; not {_short(value)}.")
        return rows
    rows = plain(value, what)
    if not isinstance(rows, list):
        raise LogError(f"{expected}; not {_short(value)}.")
    seen = set()
    for number, row in enumerate(rows):
        keys = [key for key in _IMAGE_KEYS if key in row] if isinstance(row, dict) else []
        if not keys or isinstance(row[keys[0]], bool) or not isinstance(row[keys[0]], int | str):
            raise LogError(f"{expected}; the one at {number} is {_short(row)}.")
        if row[keys[0]] in seen:
            raise LogError(f"{what} has the image {row[keys[0]]!r} twice; give each image one dict.")
        seen.add(row[keys[0]])
    return rows


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
