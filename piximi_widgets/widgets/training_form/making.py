"""Which control a setting gets, by the type of its field."""

from __future__ import annotations

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from .controls import Choice, Field, Fraction, Number, Numbers, Switch, Typed, Whole, bounds
from .pickers import Architecture, Shape, Weights

# Settings that are texts, each with a control of its own.
_TEXTS: dict[str, type[Field]] = {"architecture": Architecture, "base_weights": Weights}
# Too small for the steps of a slider.
_TINY = ("weight_decay",)


def make_field(name: str, info: FieldInfo) -> Field:
    """The field that fits the type of a setting."""
    kind = info.annotation
    if get_origin(kind) is Literal:
        return Choice(name, info)
    if get_origin(kind) in (Union, types.UnionType):
        bare = [_bare(part) for part in get_args(kind)]
        tuples = [get_args(part) for part in bare if get_origin(part) is tuple]
        if tuples:
            return (Numbers if Ellipsis in tuples[0] else Shape)(name, info)
        if int in bare:
            return Typed(name, info)
    if kind is bool:
        return Switch(name, info)
    if kind is int:
        return Whole(name, info)
    if kind is float:
        low, high = bounds(info)
        slides = low is not None and high is not None and high <= 1 and name not in _TINY
        return (Fraction if slides else Number)(name, info)
    if kind is str and name in _TEXTS:
        return _TEXTS[name](name, info)
    raise TypeError(f"The form has no control for the setting {name!r} of type {kind}.")


def _bare(kind: Any) -> Any:
    """A type without the rules that are annotated to it."""
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind
