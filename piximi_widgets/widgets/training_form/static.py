"""What a saved notebook shows in place of the form."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from ...engine.config import GROUPS
from ..theme import static_page
from .controls import CHOICES, Unreadable
from .dataset_line import count_images, sentence

if TYPE_CHECKING:
    from .form import TrainingForm


def static_form(form: TrainingForm) -> str:
    """The settings and the state of the data as a small table."""
    groups = []
    for group in GROUPS:
        rows = []
        for field in form.fields.values():
            if field.group != group:
                continue
            try:
                value = field.read()
            except Unreadable as error:
                value = str(error)
            rows.append(
                f'<tr><td style="text-align:left;padding:1px 14px 1px 0">{escape(field.label)}</td>'
                f'<td style="text-align:left">{escape(CHOICES.get(value, str(value)) if isinstance(value, str) else str(value))}</td></tr>'
            )
        groups.append(
            f'<div><b>{escape(group)}</b><table style="border-collapse:collapse;font-size:13px">{"".join(rows)}</table></div>'
        )
    columns = f'<div style="display:flex;flex-wrap:wrap;gap:10px 36px">{"".join(groups)}</div>'
    return static_page(
        "The training form", f"<p>{escape(sentence(count_images(form._project)))}</p>{columns}"
    )
