"""A group of settings in a card: what most people look at, and the rest folded away."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import ipywidgets

from .. import theme
from .controls import Field
from .fold import Fold


class Card:
    """The fields of one group.

    Settings that play no part are hidden, unless they are wrong. Those that most people leave as they are stand behind
    "More settings", but for the ones that a choice outside of it has just made important.

    Parameters
    ----------
    group : str
    fields : mapping of str to Field
        All fields of the form; those of `group` are placed.
    more : ipywidgets.Widget
        Further widgets that stand before the fold.

    Attributes
    ----------
    widget : ipywidgets.VBox
    fold : Fold
    folded : list of Field
    """

    def __init__(self, group: str, fields: Mapping[str, Field], *more: ipywidgets.Widget) -> None:
        self.fields = [field for field in fields.values() if field.group == group]
        self.folded = [field for field in self.fields if _is_folded(field, fields)]
        plain = [field for field in self.fields if field not in self.folded]
        title = theme.html("pxw-u-card-title", value=f'<div class="pxw-u-card-title">{escape(group)}</div>')
        self.fold = Fold(group)
        shown = theme.classes(
            ipywidgets.Box((*(field.widget for field in plain), *more)), "pxw-u-fields", "pxw-u-main"
        )
        self._rest = theme.classes(
            ipywidgets.Box([field.widget for field in self.folded]), "pxw-u-fields", "pxw-u-folded"
        )
        parts = (title, shown, self.fold, self._rest) if self.folded else (title, shown)
        self.widget = theme.classes(ipywidgets.VBox(parts), "pxw-u-card", f"pxw-u-group-{group.lower()}")
        self._changed_before = False

    def draw(
        self,
        values: Mapping[str, Any],
        problems: Mapping[str, str],
        usual: Mapping[str, Any] | None = None,
        *,
        settle: bool = False,
    ) -> None:
        """Show what plays a part, and open the fold where something in it asks for being seen.

        Parameters
        ----------
        values : mapping
            Every setting of the form, by name.
        problems : mapping
            What is wrong, by the name of the setting.
        usual : mapping, optional
            What folded settings are compared with; their defaults where it has none.
        settle : bool
            Also close the fold if nothing in it asks for being seen, as after all settings were filled in anew.
        """
        visible = {
            field.name for field in self.fields if field.name in problems or plays_a_part(field, values)
        }
        for field in self.fields:
            theme.show(field.widget, field.name in visible)
        if not self.folded:
            return
        usual = usual or {}
        seen = [field for field in self.folded if field.name in visible]
        changed = [field for field in seen if values[field.name] != usual.get(field.name, field.default)]
        wrong = any(field.name in problems for field in seen)
        if settle:
            self.fold.opened = bool(changed) or wrong
        elif wrong or (changed and not self._changed_before):
            self.fold.opened = True
        self._changed_before = bool(changed)
        self.fold.hint = f"{len(changed)} changed" if changed else ""
        theme.show(self.fold, bool(seen))
        theme.show(self._rest, bool(seen))


def plays_a_part(field: Field, values: Mapping[str, Any]) -> bool:
    """Whether the setting changes anything, given the others."""
    return all(values[other] in wanted for other, wanted in field.only_with.items())


def _is_folded(field: Field, fields: Mapping[str, Field]) -> bool:
    # A setting that only another choice than the default brings into play is wanted by whoever makes that choice.
    usual = plays_a_part(field, {name: other.default for name, other in fields.items()})
    brought = not usual and not any(fields[other].advanced for other in field.only_with)
    return field.advanced and not brought
