"""Models as a cell's output: small tables without scripts, in which everything that users wrote is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .models import Model
    from .versions import ModelVersion

_MOST_ROWS = 50
_LONGEST_TEXT = 300
_LEFT = "style='text-align:left'"


def version_html(version: ModelVersion) -> str:
    """Header, files and parameters of a version."""
    context = version.context
    labels = list(version.labels.values())
    header = [
        ("Description", version.description),
        ("Framework", version.framework),
        ("Labels", _listed(labels)),
        ("Experiment", context.experiment_name),
        ("Datasets", _listed([f"{alias}: {dataset.name}" for alias, dataset in context.datasets.items()])),
        ("Published", f"{version.created.astimezone():%Y-%m-%d %H:%M} by {version.creator}"),
    ]
    header += [(file.name, f"{file.filename}, {_bytes(file.size)}") for file in version.files.values()][
        :_MOST_ROWS
    ]
    return _page(version.name, [row for row in header if row[1]], list(context.parameters.items()))


def model_html(model: Model) -> str:
    """The versions of a model, newest first."""
    rows = [
        (
            str(version.number),
            " · ".join(
                part
                for part in (
                    version.description,
                    version.context.experiment_name,
                    f"{version.created:%Y-%m-%d}",
                )
                if part
            ),
        )
        for version in reversed(model.versions[-_MOST_ROWS:])
    ]
    return _page(model.name, [("", model.description), *rows] if model.description else rows, [])


def models_html(models: Sequence[Model]) -> str:
    """Names and number of versions."""
    rows = [(model.name, f"{len(model)} versions") for model in models[:_MOST_ROWS]]
    if len(models) > len(rows):
        rows.append(("…", f"{len(models) - len(rows)} more"))
    return _page("Models", rows, [])


def _page(title: str, rows: Sequence[tuple[str, str]], parameters: Sequence[tuple[str, object]]) -> str:
    page = f"<h4 style='margin:0 0 4px'>{_text(title)}</h4>{_table(rows)}"
    if parameters:
        shown = [(name, repr(value)) for name, value in parameters[:_MOST_ROWS]]
        if len(parameters) > len(shown):
            shown.append(("…", f"{len(parameters) - len(shown)} more"))
        page += f"<details><summary>{len(parameters)} parameters</summary>{_table(shown)}</details>"
    return f"<div>{page}</div>"


def _table(rows: Sequence[tuple[str, str]]) -> str:
    cells = (
        f"<tr><th {_LEFT}>{_text(name)}</th><td {_LEFT}>{_text(value)}</td></tr>" for name, value in rows
    )
    return f"<table>{''.join(cells)}</table>"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_ROWS])
    return f"{shown} and {len(names) - _MOST_ROWS} more" if len(names) > _MOST_ROWS else shown


def _text(text: str) -> str:
    return escape(text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…")


def _bytes(size: int) -> str:
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"
