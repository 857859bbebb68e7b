"""Saying yes or no to what a classifier predicted: actions of `Dataset.apply`, inside a write transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...errors import SelectionError
from .. import predictions
from ..outcome import Outcome, counted
from ..predictions import Prediction
from ..sql import images, journal
from .categories import checked_name
from .edit import Edit, label_each


def accept_predictions(edit: Edit) -> Outcome:
    """Label the images with what was predicted for them.

    Options are ``experiment``, a uid, by default that of the newest predictions; ``min_confidence``; and ``relabel``,
    whether images that have a label get another one. A prediction that was refused is not accepted.
    """
    options = edit.options("experiment")
    least = _confidence(options.get("min_confidence"))
    found = _predicted(edit, options)
    if isinstance(found, str):
        return Outcome(found)
    refused = images.refused_of(edit.connection, list(found))
    labels: dict[int, str] = {}
    unsure = refused_before = 0
    for image_id, prediction in found.items():
        if prediction.confidence < least:
            unsure += 1
        elif prediction.category_id and refused.get(image_id) == prediction.category_id:
            refused_before += 1
        else:
            labels[image_id] = checked_name(prediction.name)
    changed, skipped = label_each(
        edit.connection, edit.operation_id, labels, unlabeled_only=not options.get("relabel")
    )
    told = [
        f"{counted(len(changed))} labeled as predicted.",
        _without(len(edit.ids) - len(found)),
        f"Less sure than asked for: {counted(unsure)}." if unsure else "",
        f"Refused before: the {_predictions(refused_before)}." if refused_before else "",
    ]
    return Outcome(" ".join(filter(None, told)), changed, skipped)


def refuse_predictions(edit: Edit) -> Outcome:
    """Note that what was predicted for the images is wrong; a later prediction of another category shows again.

    The option ``experiment`` is a uid, by default that of the newest predictions.
    """
    found = _predicted(edit, edit.options("experiment"))
    if isinstance(found, str):
        return Outcome(found)
    values = {image_id: prediction.category_id for image_id, prediction in found.items()}
    named = {image_id: category_id for image_id, category_id in values.items() if category_id}
    changed, skipped = journal.set_images(edit.connection, edit.operation_id, "refused", named.items())
    known = len(named) - len(changed) - len(skipped)
    told = [
        f"The {_predictions(len(changed))} refused." if len(changed) else "No prediction refused.",
        _without(len(edit.ids) - len(found)),
        f"Refused before: the {_predictions(known)}." if known else "",
        f"Predicted as what is no category: {counted(len(found) - len(named))}."
        if len(named) < len(found)
        else "",
    ]
    return Outcome(" ".join(filter(None, told)), changed, skipped)


def _predicted(edit: Edit, options: Mapping[str, Any]) -> dict[int, Prediction] | str:
    """What was predicted for the images; or a sentence, where nothing was predicted at all."""
    experiment = options.get("experiment")
    if experiment is not None and not isinstance(experiment, str):
        raise SelectionError(f"An experiment is named by its uid, not by {experiment!r:.60}.")
    found = predictions.of_images(edit.connection, experiment, edit.ids)
    if found is not None:
        return found
    if experiment is None:
        return "There are no predictions."
    return f"There are no predictions of the experiment {experiment!r:.60}."


def _confidence(least: Any) -> float:
    if least is None:
        return 0.0
    if isinstance(least, bool) or not isinstance(least, (int, float, np.number)) or not 0 <= least <= 1:
        raise SelectionError(f"min_confidence is a number from 0 to 1, not {least!r:.60}.")
    # As exact as confidences are stored: 0.9 is not above what was predicted with 0.9.
    return float(np.float32(least))


def _without(number: int) -> str:
    if not number:
        return ""
    return f"{counted(number)} {'has' if number == 1 else 'have'} no prediction."


def _predictions(number: int) -> str:
    return f"prediction{'' if number == 1 else 's'} of {counted(number)}"
