"""A network as a table: one row a layer."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .mobilenet import base_of, channels_apart

if TYPE_CHECKING:
    import keras


def summarize(model: keras.Model) -> list[dict[str, Any]]:
    """Return one row a layer: layer, kind, output shape (without the batch), parameters, trainable.

    A network within the network is one row. The parameters add up to ``model.count_params()``.

    Parameters
    ----------
    model : keras.Model
        Sequential, functional or a class of its own that was called once.
    """
    base = base_of(model)
    rows = [
        _row(layer, _base_words(base) if layer is base else type(layer).__name__) for layer in model.layers
    ]
    own = int(model.count_params()) - sum(row["parameters"] for row in rows)
    if own:
        # Weights that the network holds itself, beside its layers.
        rows.append(_cells(model.name, type(model).__name__, "", own, bool(model.trainable_weights)))
    return rows


def summary_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the rows of `summarize` as CSV text (RFC 4180, with a header), for a spreadsheet."""
    listed = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(listed[0]) if listed else list(_cells("", "", "", 0, False)))
    writer.writeheader()
    writer.writerows(listed)
    return text.getvalue()


def _row(layer: Any, kind: str) -> dict[str, Any]:
    return _cells(layer.name, kind, _shape(layer), int(layer.count_params()), bool(layer.trainable_weights))


def _cells(layer: str, kind: str, shape: str, parameters: int, trainable: bool) -> dict[str, Any]:
    return {
        "layer": layer,
        "kind": kind,
        "output shape": shape,
        "parameters": parameters,
        "trainable": trainable,
    }


def _shape(layer: Any) -> str:
    try:
        output = layer.output
    except (AttributeError, ValueError):
        # A layer that a class calls by itself does not know what it put out.
        return ""
    outputs = output if isinstance(output, list | tuple) else [output]
    return ", ".join("×".join(str(size) for size in one.shape[1:]) for one in outputs)


def _base_words(base: Any) -> str:
    apart = channels_apart(base)
    if apart:
        return f"MobileNet, each of {apart} channels by itself, features side by side"
    return "MobileNet, first kernel summed for one channel" if base.input_shape[-1] == 1 else "MobileNet"
