"""A comparison as a cell's output: small tables without scripts, in which all that users wrote is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from .comparison import Comparison

_MOST_ROWS = 60
_LONGEST = 80


def comparison_html(comparison: Comparison) -> str:
    """Parameters that differ, best and last metrics, and datasets of the compared experiments."""
    labels = comparison.labels
    parts = [f"<h4 style='margin:0 0 4px'>{' · '.join(_text(label) for label in labels)}</h4>"]
    same = len(comparison.all_parameters) - len(comparison.parameters)
    title = f"Parameters that differ ({same} are the same)"
    parts.append(_table(title, labels, comparison.parameters, repr))
    for part in ("best", "last"):
        metrics = comparison.metrics
        shown = metrics.loc[[not name.startswith("batch/") for name in metrics.index]]
        parts.append(
            _table(f"{part.title()} metrics", labels, shown[[(part, label) for label in labels]], _number)
        )
    if len(comparison.datasets):
        parts.append(
            _table("Datasets", labels, comparison.datasets[[("name", label) for label in labels]], _word)
        )
    return f"<div>{''.join(parts)}</div>"


def _table(title: str, labels: Sequence[str], frame: pd.DataFrame, write: Any) -> str:
    if not len(frame):
        return f"<p>{_text(title)}: none</p>"
    head = "".join(f"<th style='text-align:left'>{_text(label)}</th>" for label in ("", *labels))
    rows = [
        "".join(
            (
                f"<tr><th style='text-align:left'>{_text(str(name))}</th>",
                *(f"<td style='text-align:left'>{_cell(value, write)}</td>" for value in values),
                "</tr>",
            )
        )
        for name, values in zip(
            frame.index[:_MOST_ROWS], frame.iloc[:_MOST_ROWS].itertuples(index=False), strict=True
        )
    ]
    more = f"<p>{len(frame) - len(rows)} more</p>" if len(frame) > len(rows) else ""
    return (
        f"<details open><summary>{_text(title)}</summary><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>{more}</details>"
    )


def _cell(value: Any, write: Any) -> str:
    is_missing = isinstance(value, float) and value != value
    return "" if is_missing else _text(write(value))


def _number(value: float) -> str:
    return f"{value:.4g}"


def _word(value: str | None) -> str:
    return "" if value is None else value


def _text(text: str) -> str:
    return escape(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")
