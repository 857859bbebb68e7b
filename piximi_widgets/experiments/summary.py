"""An experiment as a cell's output: a small page without scripts that reads well where no kernel runs."""

from __future__ import annotations

import base64
import io
from collections import Counter
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any

from .sql import record as sql_record
from .values import as_datetime

if TYPE_CHECKING:
    from .asking.facts import Facts
    from .experiment import Experiment
    from .store import ExperimentStore

_MOST_PARAMETERS = 60
_LONGEST_TEXT = 300
_MOST_POINTS = 400
_MOST_LINES = 6
_MOST_EXPERIMENTS = 50
_MOST_METRICS = 4
_COLORS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b")


def experiment_html(experiment: Experiment) -> str:
    """Header, parameters and curves of an experiment as HTML; everything that users wrote is escaped."""
    table = "".join(_row(name, value) for name, value in _header(experiment) if value)
    parts = [f"<h4 style='margin:0 0 4px'>{_text(experiment.name)}</h4><table>{table}</table>"]
    if experiment.error:
        parts.append(f"<pre>{_text(experiment.error.strip()[-1500:], 1500)}</pre>")
    picture = curves_png(experiment)
    if picture:
        encoded = base64.b64encode(picture).decode()
        parts.append(f"<img alt='curves' src='data:image/png;base64,{encoded}'/>")
    parameters = experiment.parameters
    if parameters:
        shown = list(parameters.items())[:_MOST_PARAMETERS]
        rows = "".join(_row(name, repr(value)) for name, value in shown)
        if len(parameters) > len(shown):
            rows += _row("…", f"{len(parameters) - len(shown)} more")
        parts.append(
            f"<details><summary>{len(parameters)} parameters</summary><table>{rows}</table></details>"
        )
    return f"<div>{''.join(parts)}</div>"


def store_html(store: ExperimentStore) -> str:
    """The newest experiments of a store with their best metrics as HTML; everything that users wrote is escaped."""
    from .asking.facts import bring_up_to_date, facts_in

    late = bring_up_to_date(store)
    with store.database.read() as connection:
        ids = sql_record.experiment_ids(connection)
        shown = facts_in(connection, late, ids=ids[-_MOST_EXPERIMENTS:])[::-1]
    counts = Counter(name for facts in shown for name in facts.metrics if name.rpartition("/")[0] != "batch")
    metrics = [name for name, _ in counts.most_common(_MOST_METRICS)]
    titles = ["id", "name", "status", "created", "duration", "tags", *(f"best {name}" for name in metrics)]
    head = "".join(f"<th style='text-align:left'>{_text(title, 60)}</th>" for title in titles)
    rows = "".join(f"<tr>{_cells(_experiment_row(facts, metrics))}</tr>" for facts in shown)
    count = f"{len(ids)} experiment{'' if len(ids) == 1 else 's'}"
    if len(ids) > len(shown):
        count += f", the newest {len(shown)} of them; store.search() shows all"
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>" if shown else ""
    return f"<div><p style='margin:0 0 4px'>{_text(store.url)}: {count}</p>{table}</div>"


def _experiment_row(facts: Facts, metrics: list[str]) -> list[str]:
    from .asking.facts import metric_value

    header = facts.header
    created, started, ended = (as_datetime(header[name]) for name in ("created", "started", "ended"))
    values = [
        metric_value(name, facts.metrics[name], "best") if name in facts.metrics else None for name in metrics
    ]
    return [
        str(header["id"]),
        header["name"],
        header["status"],
        "" if created is None else _moment(created),
        _duration(started, ended),
        ", ".join(facts.lists["tags"]),
        *("" if value is None else f"{value:.4g}" for value in values),
    ]


def _cells(texts: list[str]) -> str:
    return "".join(f"<td style='text-align:left'>{_text(text, 100)}</td>" for text in texts)


def curves_png(experiment: Experiment) -> bytes | None:
    """A small picture of the loss and accuracy curves, or of the first metrics; None without any."""
    panels = _panels([name for name in experiment.metrics if not name.startswith("batch/")])
    if not panels:
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.6 * len(panels), 2.2), dpi=80, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    for axes, (title, names) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for name, color in zip(names, _COLORS, strict=False):
            steps, values = experiment.curve(name, _MOST_POINTS)
            marker = "o" if len(steps) == 1 else None
            axes.plot(steps, values, label=name.replace("$", r"\$")[:40], color=color, lw=1.4, marker=marker)
        axes.set_title(title.replace("$", r"\$")[:40], fontsize=9)
        axes.tick_params(labelsize=7)
        axes.grid(alpha=0.3)
        if len(names) > 1:
            axes.legend(fontsize=7)
    file = io.BytesIO()
    canvas.print_png(file)
    return file.getvalue()


def _panels(names: list[str]) -> list[tuple[str, list[str]]]:
    """Titles and metrics: those that end in loss and in accuracy, or else the first ones."""
    panels = []
    for title in ("loss", "accuracy"):
        found = [name for name in names if name.rpartition("/")[2] == title]
        if found:
            panels.append((title, found[:_MOST_LINES]))
    return panels or [(name, [name]) for name in names[:2]]


def _header(experiment: Experiment) -> list[tuple[str, Any]]:
    base, parent = experiment.base_experiment, experiment.parent
    datasets = [f"{alias}: {dataset.name}" for alias, dataset in experiment.datasets.items()]
    return [
        ("Status", str(experiment.status)),
        ("Description", experiment.description),
        ("Created", f"{_moment(experiment.created)} by {experiment.creator}"),
        ("Duration", _duration(experiment.started, experiment.ended)),
        ("Base experiment", "" if base is None else base.name),
        ("Parent", "" if parent is None else f"{parent.name}, with other parameters"),
        ("Children", ", ".join(child.name for child in experiment.children)),
        ("Datasets", ", ".join(datasets)),
        ("Tags", ", ".join(experiment.tags)),
        ("Artifacts", ", ".join(experiment.artifacts)),
    ]


def _row(name: str, value: str) -> str:
    return f"<tr><th style='text-align:left'>{_text(name)}</th><td style='text-align:left'>{_text(value)}</td></tr>"


def _text(text: str, longest: int = _LONGEST_TEXT) -> str:
    return escape(text if len(text) <= longest else f"{text[: longest - 1]}…")


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def _duration(started: datetime | None, ended: datetime | None) -> str:
    if started is None or ended is None:
        return ""
    seconds = (ended - started).total_seconds()
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 3600)}:{int(seconds // 60) % 60:02d}:{int(seconds) % 60:02d} h"
