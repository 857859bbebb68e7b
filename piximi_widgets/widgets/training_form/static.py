"""What a saved notebook shows in place of the form."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from ...engine.config import AUGMENTATION_DETAILS
from ..theme import static_page
from .card import plays_a_part
from .dataset_line import count_images, sentence
from .words import word

if TYPE_CHECKING:
    from .form import TrainingForm

# What is shown also where it is as by default.
_MAIN = ("architecture", "input_shape", "augmentation", "optimizer", "learning_rate", "batch_size", "epochs")
_CELL = "text-align:left;padding:1px 14px 1px 0"


def static_form(form: TrainingForm) -> str:
    """The main settings, what differs from the defaults, and the state of the data, as a small table."""
    values = {name: field.value() for name, field in form.fields.items()}
    rows = []
    for name, field in form.fields.items():
        differs = values[name] != field.default and plays_a_part(field, values)
        if name in AUGMENTATION_DETAILS:
            # Those of a preset are told by its name.
            differs = differs and values["augmentation"] == "custom"
        if name in _MAIN or differs:
            rows.append(
                f'<tr><td style="{_CELL}">{escape(field.label)}</td>'
                f'<td style="{_CELL}">{escape(word(name, values[name]))}</td></tr>'
            )
    table = f'<table style="border-collapse:collapse;font-size:13px">{"".join(rows)}</table>'
    note = '<p style="opacity:.65;margin:6px 0 0">All other settings are at their defaults.</p>'
    return static_page(
        "The training form", f"<p>{escape(sentence(count_images(form._project)))}</p>{table}{note}"
    )
