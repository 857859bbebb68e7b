"""Settings whose control has several parts, or choices that come and go."""

from __future__ import annotations

from typing import Any

import ipywidgets
from pydantic.fields import FieldInfo

from ...engine.architectures import names
from ..theme import classes, show
from .controls import Choice, Field, Unreadable, is_whole
from .words import CHOICES, architecture_sentence

_SIDES = (("Height", 32), ("Width", 32))


class Architecture(Choice):
    """One of the networks that this process knows; those that were registered come last."""

    def _make(self, info: FieldInfo) -> tuple[Any, ...]:
        self._names = names()
        return (ipywidgets.Dropdown(options=_named(self._names), value=info.default, **self.options),)

    def write(self, value: Any) -> None:
        if value not in self._names:
            self._offer((*self._names, value), value)
        super().write(value)

    def follow(self) -> None:
        """Offer what was registered since the form was made, and say what the chosen one is."""
        if missing := [name for name in names() if name not in self._names]:
            self._offer((*self._names, *missing), self.read())
        self.remark = architecture_sentence(self.read())

    def _offer(self, offered: tuple[str, ...], value: str) -> None:
        self._names = offered
        self.controls[0].options = _named(offered)
        # New options choose the first of them.
        self.controls[0].value = value


class Weights(Field):
    """Weights that are known by a word, or a file of them."""

    wide = True

    def _make(self, info: FieldInfo) -> tuple[Any, ...]:
        pairs = [(words, value) for value, words in CHOICES[self.name].items()]
        self.choice = ipywidgets.Dropdown(options=pairs, value=info.default, **self.options)
        self.path = ipywidgets.Text(
            placeholder="/data/mobilenet.weights.h5",
            description="Weights file",
            tooltip="The path of a Keras weights file, on the machine where the kernel runs",
            continuous_update=True,
        )
        show(self.path, False)
        return (self.choice, self.path)

    def read(self) -> Any:
        if self.choice.value != "file":
            return self.choice.value
        # Some file managers copy a path in quotes.
        path = self.path.value.strip().strip("\"'")
        if not path:
            raise Unreadable(f"{self.label}: give the path of a Keras weights file, or choose another entry.")
        return path

    def write(self, value: Any) -> None:
        known = value in CHOICES[self.name] and value != "file"
        if not known:
            self.path.value = value
        self.choice.value = value if known else "file"

    def follow(self) -> None:
        """Show the path only when it counts."""
        show(self.path, self.choice.value == "file")


class Shape(Field):
    """Height, width and channels, or automatic."""

    wide = True

    def _make(self, info: FieldInfo) -> tuple[Any, ...]:
        pairs = [(words, value) for value, words in CHOICES[self.name].items()]
        self.mode = ipywidgets.Dropdown(options=pairs, value="auto", **self.options)
        self.sides = tuple(
            ipywidgets.IntText(value=value, description=side, tooltip=f"{side} of the network's input")
            for side, value in _SIDES
        )
        self.depth = ipywidgets.Text(
            value="auto",
            description="Channels",
            tooltip="Channels of the network's input, or auto for as many as the images have",
            continuous_update=True,
        )
        self._triple = classes(ipywidgets.Box((*self.sides, self.depth)), "pxw-u-triple", "pxw-u-pick")
        show(self._triple, False)
        return (self.mode, *self.sides, self.depth)

    def _shown(self) -> tuple[Any, ...]:
        return (self.mode, self._triple)

    def read(self) -> Any:
        if self.mode.value == "auto":
            return "auto"
        depth = self.depth.value.strip().lower()
        return (*(side.value for side in self.sides), int(depth) if is_whole(depth) else depth)

    def write(self, value: Any) -> None:
        if value == "auto":
            self.mode.value = "auto"
            return
        for side, number in zip(self.sides, value[:2], strict=True):
            side.value = int(number)
        self.depth.value = str(value[2])
        self.mode.value = "custom"

    def follow(self) -> None:
        """Show the three numbers only when they count."""
        show(self._triple, self.mode.value == "custom")


def _named(values: tuple[str, ...]) -> list[tuple[str, str]]:
    words = CHOICES["architecture"]
    return [(words.get(value, value), value) for value in values]
