"""All settings in their cards: what they are, what follows from what, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import ipywidgets

from ...engine.config import (
    AUGMENTATION_DETAILS,
    AUGMENTATION_PRESETS,
    GROUPS,
    TrainingConfig,
    usual_augmentation,
)
from ...errors import ConfigurationError
from .. import theme
from .card import Card
from .controls import Field, Unreadable
from .making import make_field
from .words import augmentation_sentence


class SettingsPanel:
    """The controls of a `TrainingConfig`.

    Parameters
    ----------
    config : TrainingConfig
        The settings to begin with.
    changed : callable
        Called without arguments after each change, on the thread that made it; it has `draw` called on the one thread
        that draws.
    more : mapping of str to widget
        Further widgets, by the group in whose card they stand.

    Attributes
    ----------
    fields : dict of str to Field
    cards : dict of str to Card
    widget : ipywidgets.Box
    """

    def __init__(
        self, config: TrainingConfig, changed: Callable[[], None], more: Mapping[str, ipywidgets.Widget]
    ) -> None:
        self._report = changed
        # Details of the preset that was chosen, until they are written; whether a detail was changed by itself; whether
        # mobilenet was left; whether all settings are being written together.
        self._pending: dict[str, Any] = {}
        self._detailed = False
        self._left_mobilenet = False
        self._filling = False
        # All settings were written anew: before the draw under way, and since.
        self._settle = self._filled = False
        self.fields: dict[str, Field] = {
            name: make_field(name, info) for name, info in TrainingConfig.model_fields.items()
        }
        self.cards = {
            group: Card(group, self.fields, *([more[group]] if group in more else [])) for group in GROUPS
        }
        self.widget = theme.classes(
            ipywidgets.Box([card.widget for card in self.cards.values()]), "pxw-u-groups"
        )
        self.fill(config)
        for name, field in self.fields.items():
            for control in field.controls:
                control.observe(partial(self._changed, name), "value")

    def fill(self, config: TrainingConfig) -> None:
        """Show all settings of `config`."""
        self._filling = True
        try:
            for name, field in self.fields.items():
                field.write(getattr(config, name))
        finally:
            self._filling = False
        self._pending, self._detailed, self._left_mobilenet = {}, False, False
        self._filled = True

    def values(self) -> tuple[dict[str, Any], dict[str, str]]:
        """Every setting as it stands in the form, and what could not be read; there the default stands."""
        values, problems = {}, {}
        for name, field in self.fields.items():
            try:
                values[name] = field.read()
            except Unreadable as error:
                problems[name] = str(error)
                values[name] = field.default
        return values | self._pending, problems

    def read(self) -> tuple[TrainingConfig | None, dict[str, str]]:
        """The configuration, or None and a sentence for each setting that is wrong."""
        values, problems = self.values()
        try:
            # An architecture that is not registered here is for the checks to explain.
            config = TrainingConfig.from_json(values)
        except ConfigurationError as error:
            return None, {**error.problems, **problems}
        return (None, problems) if problems else (config, {})

    def follow(self) -> None:
        """Write what follows from changes: a preset's details, the preset's name, what is no longer seen."""
        self._settle, self._filled = self._filled, False
        pending, self._pending = self._pending, {}
        detailed, self._detailed = self._detailed, False
        left, self._left_mobilenet = self._left_mobilenet, False
        for name, value in pending.items():
            self.fields[name].write(value)
        if detailed:
            self.fields["augmentation"].write(_preset_of(self.values()[0]))
        if left:
            blocks = self.fields["fine_tuned_blocks"]
            blocks.write(blocks.default)

    def draw(self, problems: Mapping[str, str]) -> None:
        """Show `problems` beside their settings, and the settings that play a part."""
        values, _ = self.values()
        for name, field in self.fields.items():
            field.problem = problems.get(name, "")
            field.follow()
        self.fields["augmentation"].remark = augmentation_sentence(values)
        # What a preset has chosen is nothing that the user has changed.
        usual = AUGMENTATION_PRESETS.get(values["augmentation"])
        for card in self.cards.values():
            card.draw(values, problems, usual, settle=self._settle)

    def _changed(self, name: str, change: Any) -> None:
        if not self._filling:
            if name == "augmentation":
                self._pending = dict(AUGMENTATION_PRESETS.get(change["new"], {}))
                if not self._pending:
                    self.cards["Augmentation"].fold.opened = True
            elif name in AUGMENTATION_DETAILS:
                self._pending.pop(name, None)
                self._detailed = True
            elif name == "architecture":
                # A setting that is no longer seen would be refused.
                self._left_mobilenet = change["old"] == "mobilenet"
                before, after = usual_augmentation(change["old"]), usual_augmentation(change["new"])
                if before != after and self.values()[0]["augmentation"] == before:
                    # Nobody has chosen it: what is usual with one network is slow with the other.
                    self._pending = {"augmentation": after, **AUGMENTATION_PRESETS[after]}
        self._report()


def _preset_of(values: Mapping[str, Any]) -> str:
    details = {name: values[name] for name in AUGMENTATION_DETAILS}
    return next((name for name, preset in AUGMENTATION_PRESETS.items() if preset == details), "custom")
