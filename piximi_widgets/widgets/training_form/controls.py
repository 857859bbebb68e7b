"""The controls of single settings: choices, switches, numbers, texts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from html import escape
from typing import Any, get_args

import ipywidgets
from pydantic.fields import FieldInfo

from ..theme import classes, html, write_html
from .words import CHOICES, number_text


class Unreadable(ValueError):
    """What was typed is not of the field's type; the message is a sentence for the user."""


class Field(ABC):
    """A setting in the form: its control, and below it a remark and what is wrong with the value.

    Attributes
    ----------
    widget : ipywidgets.VBox
        To be placed in the form.
    controls : tuple of ipywidgets.Widget
        The parts whose ``value`` the user changes.
    group, label, advanced, only_with
        What the setting's description says.
    """

    wide = False

    def __init__(self, name: str, info: FieldInfo) -> None:
        details = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        self.name = name
        self.group = str(details.get("group", "Optimization"))
        self.label = str(details.get("label", info.title or name))
        self.advanced = bool(details.get("advanced", False))
        self.only_with: dict[str, list[Any]] = dict(details.get("only_with") or {})  # type: ignore[arg-type]
        self.default = info.default
        self.options = {"description": self.label, "tooltip": info.description or ""}
        self.controls = self._make(info)
        self._remark, self._problem = html("pxw-u-hint"), html("pxw-u-problem")
        self.widget = classes(
            ipywidgets.VBox((*self._shown(), self._remark, self._problem)),
            "pxw-u-field",
            "pxw-u-field-" + name,
        )
        if self.wide:
            self.widget.add_class("pxw-u-wide")
        self.write(self.default)

    @abstractmethod
    def _make(self, info: FieldInfo) -> tuple[Any, ...]:
        """Make the controls; the first one's ``value`` is the setting unless `read` says otherwise."""

    def _shown(self) -> tuple[Any, ...]:
        """What stands in the form; the controls unless some of them are grouped."""
        return self.controls

    def read(self) -> Any:
        """The value as the configuration takes it; raises Unreadable."""
        return self.controls[0].value

    def value(self) -> Any:
        """The value, or the default while it cannot be read."""
        try:
            return self.read()
        except Unreadable:
            return self.default

    def write(self, value: Any) -> None:
        """Show `value`."""
        self.controls[0].value = value

    def follow(self) -> None:  # noqa: B027, most fields have nothing to follow
        """Bring parts that depend on each other, or on what is known elsewhere, up to date."""

    @property
    def remark(self) -> str:
        """A sentence below the control about what its value means; empty for most."""
        return getattr(self, "_remark_sentence", "")

    @remark.setter
    def remark(self, sentence: str) -> None:
        if sentence != self.remark:
            self._remark_sentence = sentence
            write_html(self._remark, escape(sentence))

    @property
    def problem(self) -> str:
        """The sentence that stands below the control; empty when the value is fine."""
        return getattr(self, "_sentence", "")

    @problem.setter
    def problem(self, sentence: str) -> None:
        if sentence == self.problem:
            return
        self._sentence = sentence
        write_html(self._problem, f'<span role="alert">{escape(sentence)}</span>' if sentence else "")
        (self.widget.add_class if sentence else self.widget.remove_class)("pxw-u-wrong")


class Choice(Field):
    """One of a few words."""

    def _make(self, info: FieldInfo) -> tuple[Any, ...]:
        values = get_args(info.annotation)
        words = CHOICES.get(self.name, {})
        pairs = [(words.get(value, str(value)), value) for value in values]
        return (ipywidgets.Dropdown(options=pairs, value=values[0], **self.options),)


class Switch(Field):
    """On or off."""

    def _make(self, info: FieldInfo) -> tuple[Any, ...]:
        return (ipywidgets.Checkbox(indent=False, **self.options),)


class Whole(Field):
    """A whole number."""

    def _make(self, info: FieldInfo) -> tuple[Any, ...]:
        return (ipywidgets.IntText(**self.options),)


class Fraction(Field):
    """A number between two bounds of which the upper one is at most 1."""

    def _make(self, info: FieldInfo) -> tuple[Any, ...]:
        low, high = bounds(info)
        return (
            ipywidgets.FloatSlider(
                min=low,
                max=high,
                step=0.01,
                readout_format=".2f",
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
            like = number_text(self.default) if self.default else "0.1"
            raise Unreadable(f"{self.label} must be a number, like {like}; got {text!r}.") from None

    def write(self, value: Any) -> None:
        self.controls[0].value = number_text(value) if isinstance(value, int | float) else str(value)


class Typed(Field):
    """A word or whole numbers, typed as text: ``all``, ``max``, ``0, 2``."""

    several = False

    def _make(self, info: FieldInfo) -> tuple[Any, ...]:
        return (ipywidgets.Text(continuous_update=True, **self.options),)

    def read(self) -> Any:
        text = self.controls[0].value.strip().strip("()[]").lower()
        parts = [part for part in text.replace(",", " ").split() if part]
        # What is no number is for the configuration to judge: it knows the words.
        if not parts or not all(is_whole(part) for part in parts):
            return text
        numbers = tuple(int(part) for part in parts)
        return numbers if self.several or len(numbers) > 1 else numbers[0]

    def write(self, value: Any) -> None:
        self.controls[0].value = value if isinstance(value, str) else ", ".join(map(str, _listed(value)))


class Numbers(Typed):
    """The same for a setting that takes several numbers."""

    several = True


def is_whole(text: str) -> bool:
    """Whether `text` is a whole number from 0 that Python reads in no time."""
    return text.isdecimal() and len(text) < 10


def bounds(info: FieldInfo) -> tuple[float | None, float | None]:
    """The least and the largest value, None where there is none or where it is not a value itself."""
    low = high = None
    for rule in info.metadata:
        low = getattr(rule, "ge", low)
        high = getattr(rule, "le", high)
    return low, high


def _listed(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)
