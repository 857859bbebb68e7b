"""Arrays in memory whose axes have names, such as xarray's, read without importing their package."""

from __future__ import annotations

from typing import Any

import numpy as np

from .axes import lay_out
from .formats import Unreadable

_LETTERS = {
    "T": ("t", "time"),
    "Z": ("z", "plane", "slice", "depth"),
    "C": ("c", "channel", "channels", "ch", "band"),
    "Y": ("y", "row", "height"),
    "X": ("x", "column", "col", "width"),
    "S": ("s", "sample", "rgb", "color", "colour"),
}
_LETTER_OF = {name: letter for letter, names in _LETTERS.items() for name in names}


def is_labeled(obj: object) -> bool:
    """Whether an object is an array that names its axes: it has ``dims``, ``shape`` and values."""
    dims = getattr(obj, "dims", None)
    return (
        isinstance(dims, tuple)
        and all(isinstance(name, str) for name in dims)
        and len(dims) == len(getattr(obj, "shape", ()))
        and (hasattr(obj, "values") or hasattr(obj, "__array__"))
    )


def axes_of(dims: tuple[str, ...]) -> str:
    """The letters ``T Z C Y X S`` of named axes, in any case (``("channel", "y", "x")``: ``"CYX"``)."""
    letters = "".join(_LETTER_OF.get(name.lower(), "?") for name in dims)
    if "?" in letters or len(set(letters)) < len(letters):
        known = ", ".join(names[0] for names in _LETTERS.values())
        raise Unreadable(
            f"the axes {', '.join(map(repr, dims))} are not all known or not all different; rename them to"
            f" some of {known} (or {', '.join(names[1] for names in _LETTERS.values())})"
        )
    return letters


def from_labeled(obj: Any) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """One image from an xarray-like object.

    Parameters
    ----------
    obj : object with dims and values
        Its dimensions are named z, y, x, c, s and t, or plane, row, column, channel, rgb and time, in any
        order and in any case. Time has the length 1.

    Returns
    -------
    (Z, H, W, C) ndarray
    tuple of str or None
        The channels' names, where the object has a coordinate of strings along its channels.

    Raises
    ------
    ValueError
        If an axis has another name, is doubled, or has no place in one image.
    """
    from .stored import native

    try:
        letters = axes_of(obj.dims)
        layout = lay_out(obj.shape, letters)
    except Unreadable as reason:
        raise ValueError(str(reason).replace("the file", "the array")) from None
    values = np.asarray(obj.values if hasattr(obj, "values") else obj)
    return native(layout.arrange(values)), _channel_names(obj, letters, layout.shape[3])


def _channel_names(obj: Any, letters: str, channels: int) -> tuple[str, ...] | None:
    coords = getattr(obj, "coords", None)
    if coords is None or "C" not in letters:
        return None
    dim = obj.dims[letters.index("C")]
    if dim not in coords:
        return None
    names = np.asarray(getattr(coords[dim], "values", coords[dim]))
    if names.shape != (channels,) or not all(isinstance(name, str) for name in names.tolist()):
        return None
    return tuple(names.tolist())
