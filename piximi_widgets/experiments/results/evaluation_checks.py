"""Per-image results as they are given, checked and made into rows before anything is written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np

from ...errors import LogError
from ..values import clean_name, encoded, plain

UNKNOWN = -1
"""The truth of an image whose category is not known, and the prediction of one for which nothing was predicted."""

_TOLERANCE = 1e-3

Row = tuple[int, int, bytes, str | None, str | None]
"""Image id, truth, little-endian float32 probabilities, JSON of metrics, JSON of shapes."""


def class_names(classes: Any) -> list[str]:
    """Check the names of the classes.

    Raises
    ------
    LogError
        Not a list of different names, or an empty one.
    """
    if isinstance(classes, str | Mapping) or not _is_listed(classes):
        raise LogError(f"classes must be a list of names, not {classes!r}.")
    names = list(classes)
    if not all(isinstance(name, str) for name in names):
        raise LogError(f"classes must be a list of names, not {names!r}.")
    names = [str(name) for name in names]
    if not names or len(set(names)) != len(names):
        raise LogError(f"classes must be one or more different names, not {names}.")
    return names


def checked_rows(
    ids: Any, truth: Any, probabilities: Any, predictions: Any, classes: list[str], metrics: Any, shapes: Any
) -> list[Row]:
    """Rows of the store. See ``Experiment.add_evaluations``.

    Raises
    ------
    LogError
        Something does not fit; the message says what was expected.
    """
    images = np.asarray(ids)
    if images.ndim != 1 or (images.size and images.dtype.kind not in "iu"):
        raise LogError(
            f"ids must be a sequence of whole numbers, not an array of {images.dtype} {images.shape}."
        )
    if len(np.unique(images)) != len(images):
        raise LogError("ids names an image twice; give each image one row.")
    if images.size and int(images.max()) > np.iinfo(np.int64).max:
        raise LogError(f"The id {images.max()} does not fit 64 bits.")
    if (probabilities is None) == (predictions is None):
        raise LogError(
            "Give either probabilities, a number for each class, or predictions, the name of a class and a score; for "
            "the latter, probabilities is None."
        )
    if probabilities is not None:
        table = _table(probabilities, (len(images), len(classes)))
    else:
        table = _table_of_predictions(predictions, len(images), classes)
    labels = _truth_indices(truth, classes)
    if labels.shape != images.shape:
        raise LogError(f"truth must have one entry an image, {len(images)}, not {labels.shape}.")
    numbers = _metric_texts(metrics, len(images))
    drawn = _shape_texts(shapes, len(images))
    return [
        (image, label, table[row].tobytes(), numbers[row], drawn[row])
        for row, (image, label) in enumerate(zip(images.tolist(), labels.tolist(), strict=True))
    ]


def _table(probabilities: Any, expected: tuple[int, int]) -> np.ndarray:
    try:
        table = np.ascontiguousarray(probabilities, dtype="<f4")
    except (TypeError, ValueError) as error:
        raise LogError(
            f"probabilities must be a table of numbers of the shape {expected}: {error}."
        ) from None
    if not expected[0] and not table.size:
        table = table.reshape(expected)
    if table.shape != expected:
        raise LogError(
            f"probabilities must have one row an image and one column a class, {expected}, not {table.shape}."
        )
    outside = ~np.isnan(table) & ~((table >= -_TOLERANCE) & (table <= 1 + _TOLERANCE))
    if outside.any():
        row, column = np.argwhere(outside)[0].tolist()
        raise LogError(
            f"probabilities must be from 0 to 1, or NaN; got {table[row, column]:g} in row {row}, column {column}. Give "
            "softmax(logits) where these are logits."
        )
    return table


def _table_of_predictions(predictions: Any, count: int, classes: list[str]) -> np.ndarray:
    """(N, K) little-endian float32: the score at the predicted class, and NaN where nothing is known."""
    given = _listed("predictions", predictions, count)
    table = np.full((count, len(classes)), np.nan, dtype="<f4")
    positions = {name: index for index, name in enumerate(classes)}
    for row, pair in enumerate(given):
        if pair is None:
            continue
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise LogError(f"predictions[{row}] must be (name of a class, score) or None, not {pair!r}.")
        name, score = pair
        if not isinstance(name, str) or name not in positions:
            raise LogError(f"predictions[{row}] names {name!r}, which is none of the classes {classes}.")
        if isinstance(score, bool) or not isinstance(score, int | float | np.number) or not isfinite(score):
            raise LogError(f"predictions[{row}] must have a finite number as its score, not {score!r}.")
        table[row, positions[name]] = score
    return table


def _truth_indices(truth: Any, classes: list[str]) -> np.ndarray:
    """Indices of classes; names are looked up, None is unknown."""
    given = np.asarray(truth, dtype=object if isinstance(truth, list | tuple) else None)
    if given.dtype.kind in "OUT" and not all(_is_index(label) for label in given.ravel()):
        positions: dict[Any, int] = {name: index for index, name in enumerate(classes)} | {None: UNKNOWN}
        for label in given.ravel().tolist():
            if not isinstance(label, str | None) or label not in positions:
                raise LogError(f"truth names {label!r}, which is none of the classes {classes}.")
        return np.array([positions[label] for label in given.ravel().tolist()], dtype=np.int64).reshape(
            given.shape
        )
    if given.size and given.dtype.kind not in "iuO":
        raise LogError(f"truth must hold indices of classes or their names, not {given.dtype}.")
    if given.size and not (min(given.ravel()) >= UNKNOWN and max(given.ravel()) < len(classes)):
        raise LogError(
            f"truth must be indices from 0 to {len(classes) - 1}, or -1 for unknown; it reaches from "
            f"{min(given.ravel())} to {max(given.ravel())}."
        )
    return given.astype(np.int64)


def _metric_texts(metrics: Any, count: int) -> list[str | None]:
    if metrics is None:
        return [None] * count
    if not isinstance(metrics, Mapping):
        raise LogError(
            f"metrics must be a dict from names to a number for each image, not a {type(metrics).__name__}."
        )
    columns: dict[str, list[float]] = {}
    for name, values in metrics.items():
        cleaned = clean_name(name, "A metric's name")
        if cleaned in columns:
            raise LogError(f"Two metrics have the name {cleaned!r}; rename one.")
        column = np.asarray(values)
        if column.shape != (count,) or (count and column.dtype.kind not in "fiub"):
            raise LogError(
                f"The metric {cleaned!r} must be {count} numbers, one an image and NaN where there is none; got an "
                f"array of {column.dtype} {column.shape}."
            )
        columns[cleaned] = column.astype(np.float64).tolist()
    return [
        json.dumps({name: column[row] for name, column in columns.items()}, separators=(",", ":"))
        for row in range(count)
    ]


def _shape_texts(shapes: Any, count: int) -> list[str | None]:
    if shapes is None:
        return [None] * count
    texts: list[str | None] = []
    for row, drawn in enumerate(_listed("shapes", shapes, count)):
        what = f"shapes[{row}]"
        if drawn is None:
            texts.append(None)
            continue
        if not isinstance(drawn, list | tuple):
            raise LogError(
                f"{what} must be a list of dicts, one a shape, or None, not a {type(drawn).__name__}."
            )
        for number, shape in enumerate(drawn):
            kind = shape.get("type") if isinstance(shape, Mapping) else None
            if not isinstance(kind, str) or not kind:
                raise LogError(
                    f'{what}[{number}] must be a dict with a "type", such as {{"type": "box", "xywh": [0, 0, 9, 9]}}.'
                )
        texts.append(encoded(plain(drawn, what), what))
    return texts


def _listed(what: str, given: Any, count: int) -> list[Any]:
    if isinstance(given, str | Mapping) or not _is_listed(given):
        raise LogError(f"{what} must be a list with an entry for each image, not a {type(given).__name__}.")
    entries = list(given)
    if len(entries) != count:
        raise LogError(f"{what} must have one entry an image, {count}, not {len(entries)}.")
    return entries


def _is_listed(given: Any) -> bool:
    return isinstance(given, Sequence) or (hasattr(given, "__len__") and hasattr(given, "__iter__"))


def _is_index(label: Any) -> bool:
    return isinstance(label, int | np.integer) and not isinstance(label, bool)
