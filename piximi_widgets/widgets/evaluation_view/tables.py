"""The evaluation's numbers as HTML: headline, what they were measured on, and the table of classes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from ...engine.evaluation import Evaluation


class Group(NamedTuple):
    """Images that can be shown: those of a cell of the matrix, or all errors (both indices None)."""

    label: str
    truth: int | None
    predicted: int | None


def tiles_html(evaluation: Evaluation) -> str:
    """Accuracy, cross-entropy and the averaged F1."""
    right = int(np.trace(evaluation.confusion_matrix))
    tiles = (
        ("Accuracy", f"{100 * evaluation.accuracy:.1f} %", f"{right} of {images(len(evaluation))} right"),
        ("Cross-entropy", f"{evaluation.cross_entropy:.3f}", "lower is better"),
        ("F1, macro average", f"{evaluation.macro.f1:.3f}", "every class counts the same"),
        ("F1, weighted average", f"{evaluation.weighted.f1:.3f}", "classes count by their images"),
    )
    body = "".join(
        f'<div class="pxw-u-tile"><span>{name}</span><b>{value}</b><span>{note}</span></div>'
        for name, value, note in tiles
    )
    return f'<div class="pxw-u-tiles">{body}</div>'


def measured_on(evaluation: Evaluation, version_name: str, *, current: bool, changed: int) -> str:
    """What the numbers were measured on, in plain text.

    Parameters
    ----------
    version_name : str
        The dataset version with which the experiment was trained.
    current : bool
        Whether the truth is the labels as they are now.
    changed : int
        How many images of the partition have another label than in that version, or are in only one of the two.
    """
    words = f"Measured on {images(len(evaluation))} of the {evaluation.partition} partition"
    if not current:
        words += f", with the labels of dataset version {version_name}"
    elif changed:
        differ = "1 differs" if changed == 1 else f"{changed} differ"
        words += f", with the labels as they are now ({differ} from dataset version {version_name}, which it was trained with)"
    else:
        words += f", with the labels as they are now (the same as in dataset version {version_name})"
    unscored = evaluation.unscored
    if unscored:
        them = "1 more has" if unscored == 1 else f"{unscored} more have"
        words += f". {them} no prediction of this classifier, or a category that it does not know"
    return words + "."


def measured_on_record(evaluation: Evaluation) -> str:
    """What the numbers were measured on, where only the experiment's record is there; plain text."""
    words = f"Measured on {images(len(evaluation))} of {evaluation.partition!r}, with the truths that were recorded beside the predictions"
    if evaluation.unscored:
        words += f". {evaluation.unscored} more without a truth or a prediction"
    return words + "."


def classes_html(evaluation: Evaluation) -> str:
    """Precision, recall, F1 and support of every class, and their averages."""
    values = evaluation.class_metrics
    rows = []
    for index, name in enumerate(evaluation.classes):
        precision = _number(values.precision[index]) if values.predicted[index] else _none("never predicted")
        recall = _number(values.recall[index]) if values.support[index] else _none("no image of this class")
        f1 = (
            _number(values.f1[index])
            + f'<span class="pxw-u-meter"><i style="width:{100 * values.f1[index]:.0f}%"></i></span>'
        )
        rows.append(
            f'<tr><th scope="row" title="{escape(name)}">{escape(name)}</th><td>{precision}</td><td>{recall}</td>'
            f"<td>{f1}</td><td>{values.support[index]}</td></tr>"
        )
    total = len(evaluation)
    averages = "".join(
        f'<tr><th scope="row" title="{title}">{name}</th><td>{average.precision:.3f}</td><td>{average.recall:.3f}</td>'
        f"<td>{average.f1:.3f}{_SPACER}</td><td>{total}</td></tr>"
        for name, title, average in (
            ("macro average", "every class counts the same", evaluation.macro),
            ("weighted average", "each class counts by its support", evaluation.weighted),
        )
    )
    head = "".join(
        f'<th scope="col" title="{title}">{name}</th>'
        for name, title in (
            ("Class", ""),
            ("Precision", "of the images predicted as the class, the share that is of it"),
            ("Recall", "of the images of the class, the share that was predicted as it"),
            (f"F1{_SPACER}", "harmonic mean of precision and recall"),
            ("Support", "images of the class"),
        )
    )
    return (
        f'<div class="pxw-u-table-wrap" tabindex="0" role="region" aria-label="Numbers of each class"><table class="pxw-u-table">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody><tfoot>{averages}</tfoot></table></div>"
    )


def groups(counts: np.ndarray, classes: Sequence[str], most: int = 40) -> list[Group]:
    """What a user may want to look at: all errors, then the confused pairs, the most frequent first.

    After the errors come the right answers of each class, so that every filled cell of a small matrix can be reached.
    """
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    found = []
    if wrong.sum():
        found.append(Group(f"All errors ({images(int(wrong.sum()))})", None, None))
    for flat in np.argsort(-wrong, axis=None, kind="stable")[:most]:
        truth, predicted = (int(index) for index in np.unravel_index(flat, wrong.shape))
        if wrong[truth, predicted]:
            found.append(Group(cell_title(counts, classes, truth, predicted), truth, predicted))
    for index in range(len(classes)):
        if counts[index, index]:
            found.append(Group(cell_title(counts, classes, index, index), index, index))
    return found


def cell_title(counts: np.ndarray, classes: Sequence[str], truth: int, predicted: int) -> str:
    """A cell in one line, like ``truth 3 → predicted 8 (4 images)``."""
    return (
        f"truth {classes[truth]} → predicted {classes[predicted]} ({images(int(counts[truth, predicted]))})"
    )


def images(count: int) -> str:
    """``1 image`` or ``4 images``."""
    return "1 image" if count == 1 else f"{count} images"


_SPACER = '<span class="pxw-u-meter" style="visibility:hidden"></span>'


def _number(value: float) -> str:
    return f"{value:.3f}"


def _none(reason: str) -> str:
    return f'<span class="pxw-u-muted" title="{reason}: nothing to divide by, counted as 0">–</span>'
