"""One control for each setting, chosen by the type of its field."""

from __future__ import annotations

import types
from abc import ABC, abstractmethod
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import ipywidgets
from pydantic.fields import FieldInfo

from ..theme import classes, html, show, write_html

# How the values of choices are called in the form; a value without a name here is shown as it is written.
CHOICES = {
    "simple-cnn": "Simple CNN",
    "cosine": "Cosine: falls to zero",
    "constant": "Constant",
    "training-statistics": "By the training images",
    "none": "Leave as they are",
    "adam": "Adam",
    "sgd": "SGD with momentum",
    "softmax-cross-entropy": "Softmax cross-entropy",
}


class Unreadable(ValueError):
    """What was typed is not of the field's type; the message is a sentence for the user."""


class Field(ABC):
    """A setting in the form: its control, and below it what is wrong with the value.

    Attributes
    ----------
    widget : ipywidgets.VBox
        To be placed in the form.
    controls : tuple of ipywidgets.Widget
        The parts whose ``value`` the user changes.
    """

    wide = False

    def __init__(self, name: str, info: FieldInfo) -> None:
        details = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        self.name = name
        self.group = str(details.get("group", "Optimization"))
        self.label = str(details.get("label", info.title or name))
        self.default = info.default
        self.options = {"description": self.label, "tooltip": info.description or ""}
        self.controls = self._make(info)
        self._problem = html("pxw-u-problem")
        self.widget = classes(
            ipywidgets.VBox((*self.controls, self._problem)), "pxw-u-field", "pxw-u-field-" + name
        )
        if self.wide:
            self.widget.add_class("pxw-u-wide")
        self.write(self.default)

    @abstractmethod
    def _make(self, info: FieldInfo) -> tuple[Any, ...]:
        """Make the controls; the first one's ``value`` is the setting unless `read` says otherwise."""

    def read(self) -> Any:
        """The value as the configuration takes it; raises Unreadable."""
        return self.controls[0].value

    def write(self, value: Any) -> None:
        """Show `value`."""
        self.controls[0].value = value

    def enable(self, enabled: bool) -> None:
        """Let the user change it, or not."""
        for control in self.controls:
            if control.disabled == enabled:
                control.disabled = not enabled

    @property
    def problem(self) -> str:
        """The sentence that stands below the control; empty when the value is fine."""
        return getattr(self, "_sentence", "")

    @problem.setter
    def problem(self, sentence: str) -> None:
        from html import escape

        if sentence == self.problem:
            return
        self._sentence = sentence
        write_html(self._problem, f'<span role="alert">{escape(sentence)}</span>' if sentence else "")
        (self.widget.add_class if sentence else self.widget.remove_class)("pxw-u-wrong")


class Choice(Field):
    """One of a few words."""

    def _make(self, info: FieldInfo) -> tuple[Any, ...]:
        values = get_args(info.annotation)
        pairs = [(CHOICES.get(value, str(value)), value) for value in values]
        return (ipywidgets.Dropdown(options=pairs, value=values[0], **self.options),)


class Switch(Field):
    """On or off."""

    wide = True

    def _make(self, info: FieldInfo) -> tuple[Any, ...]:
        return (ipywidgets.Checkbox(indent=False, **self.options),)


class Whole(Field):
    """A whole number."""

    def _make(self, info: FieldInfo) -> tuple[Any, ...]:
        return (ipywidgets.IntText(**self.options),)


class Fraction(Field):
    """A number between 0 and 1."""

    def _make(self, info: FieldInfo) -> tuple[Any, ...]:
        low, high = _bounds(info)
        shown = ".0%" if high is not None and "fraction" in self.name else ".2f"
        return (
            ipywidgets.FloatSlider(
                min=low or 0.0,
                max=min(high or 1.0, 0.99),
                step=0.01,
                readout_format=shown,
                continuous_update=False,
                **self.options,
            ),
        )


class Number(Field):
    """A number of any size; a text field, since steps of a spinner make no sense for it."""

    def _make(self, info: FieldInfo) -> tuple[Any, ...]:
        return (ipywidgets.Text(continuous_update=True, **self.options),)

    def read(self) -> Any:
        text = self.controls[0].value.strip().replace(",", ".")
        try:
            return float(text)
        except ValueError:
            raise Unreadable(f"{self.label} must be a number, like 0.001; got {text!r}.") from None

    def write(self, value: Any) -> None:
        self.controls[0].value = f"{value:g}" if isinstance(value, int | float) else str(value)


class Typed(Field):
    """A word or whole numbers, typed as text: ``all``, ``max``, ``0, 2``."""

    several = False

    def _make(self, info: FieldInfo) -> tuple[Any, ...]:
        return (ipywidgets.Text(continuous_update=True, **self.options),)

    def read(self) -> Any:
        text = self.controls[0].value.strip().strip("()[]").lower()
        parts = [part for part in text.replace(",", " ").split() if part]
        # What is no number is for the configuration to judge: it knows the words.
        if not parts or not all(part.isdecimal() and len(part) < 10 for part in parts):
            return text
        numbers = tuple(int(part) for part in parts)
        return numbers if self.several or len(numbers) > 1 else numbers[0]

    def write(self, value: Any) -> None:
        self.controls[0].value = value if isinstance(value, str) else ", ".join(map(str, _listed(value)))


class Numbers(Typed):
    """The same for a setting that takes several numbers."""

    several = True


class Shape(Field):
    """Height, width and channels, or automatic."""

    wide = True

    def _make(self, info: FieldInfo) -> tuple[Any, ...]:
        self.mode = ipywidgets.Dropdown(
            options=[("As the training images", "auto"), ("Custom", "custom")], value="auto", **self.options
        )
        self.sides = tuple(
            ipywidgets.IntText(value=value, description=name, tooltip=f"{name} of the network's input")
            for name, value in (("Height", 32), ("Width", 32), ("Channels", 1))
        )
        self._triple = classes(ipywidgets.Box(self.sides), "pxw-u-triple", "pxw-u-pick")
        show(self._triple, False)
        return (self.mode, *self.sides)

    def __init__(self, name: str, info: FieldInfo) -> None:
        super().__init__(name, info)
        self.widget.children = (self.mode, self._triple, self._problem)

    def read(self) -> Any:
        return "auto" if self.mode.value == "auto" else tuple(side.value for side in self.sides)

    def write(self, value: Any) -> None:
        if value == "auto":
            self.mode.value = "auto"
        else:
            for side, number in zip(self.sides, value, strict=True):
                side.value = int(number)
            self.mode.value = "custom"

    def follow(self) -> None:
        """Show the three numbers only when they count."""
        show(self._triple, self.mode.value == "custom")


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
        low, high = _bounds(info)
        return (Fraction if low is not None and high is not None and high <= 1 else Number)(name, info)
    raise TypeError(f"The form has no control for the setting {name!r} of type {kind}.")


def _bare(kind: Any) -> Any:
    """A type without the rules that are annotated to it."""
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _listed(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _bounds(info: FieldInfo) -> tuple[float | None, float | None]:
    low = high = None
    for rule in info.metadata:
        low = getattr(rule, "ge", getattr(rule, "gt", low))
        high = getattr(rule, "le", getattr(rule, "lt", high))
    return low, high
