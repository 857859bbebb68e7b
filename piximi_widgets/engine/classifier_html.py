"""A classifier as a cell's output: what it is made of, in a few lines that read well where no kernel runs."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from .architectures import summarize

if TYPE_CHECKING:
    from .classifier import Classifier

_MOST_CLASSES = 50
_MOST_LAYERS = 60
_LONGEST_NAME = 40


def classifier_html(classifier: Classifier) -> str:
    """Classes, input and layers of a classifier as HTML; names are escaped and their number is bounded."""
    classes = classifier.classes
    shown = ", ".join(escape(name[:_LONGEST_NAME]) for name in classes[:_MOST_CLASSES])
    rest = f" and {len(classes) - _MOST_CLASSES} more" if len(classes) > _MOST_CLASSES else ""
    rows = "".join(
        f"<tr><td>{escape(row['layer'])}</td><td>{row['output shape']}</td><td>{row['parameters']:,}</td></tr>"
        for row in summarize(classifier.keras_model)[:_MOST_LAYERS]
    )
    return (
        f"<div><p><b>Classifier</b> · {escape(classifier.config.architecture)} · input "
        f"{classifier.preprocessing.input_words} · {classifier.keras_model.count_params():,} parameters</p>"
        f"<p>{len(classes)} classes: {shown}{rest}</p>"
        f"<table><tr><th>layer</th><th>output</th><th>parameters</th></tr>{rows}</table></div>"
    )
