"""What a classifier says of many images, which are read and prepared a few at a time."""

from __future__ import annotations

import math
import os
import re
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import EvaluationError, ImageReadError
from .forward import BATCH
from .given_images import Image, Name
from .pixels.in_order import in_order
from .preprocessing import Preprocessing, stack

if TYPE_CHECKING:
    import pandas as pd

    from ..dataset import Dataset
    from .classifier import Classifier
    from .jobs.surroundings import Surroundings

_SHOWN = 3
_STORE_SECONDS = 1.0
_TELL_SECONDS = 0.5


@dataclass(frozen=True, eq=False)
class Predicted:
    """What was said of some images.

    Attributes
    ----------
    names : list of str or int
        Those of the images that could be read.
    positions : list of int
        Where these stand among all images.
    probabilities : (n, K) ndarray of float32
    done : int
        How many images were tried until now.
    failed : dict of str or int to ImageReadError
        Those of these images that could not be read.
    """

    names: list[Name]
    positions: list[int]
    probabilities: np.ndarray
    done: int
    failed: dict[Name, ImageReadError]


def predicted(
    classifier: Classifier, images: Iterable[Image], *, stop: Callable[[], bool] = lambda: False
) -> Iterator[Predicted]:
    """Predict batch by batch; only a few images are in memory at a time.

    Images are read and prepared on several threads while the network computes.

    Parameters
    ----------
    classifier : Classifier
    images : iterable of Image
    stop : callable
        Asked before each image is read and each batch is computed; when true, no more are.

    Yields
    ------
    Predicted
        Of 32 images at a time, the last of fewer.
    """
    preprocessing = classifier.preprocessing
    wanted = _until(stop, images)
    # Names only: an Image would keep its raw pixels.
    batch: list[tuple[Name, np.ndarray | ImageReadError]] = []
    done = 0
    for result in in_order(lambda image: (image.name, _prepared(image, preprocessing)), wanted):
        if stop():
            return
        batch.append(result)
        if len(batch) == BATCH:
            done += BATCH
            yield _predicted(classifier, batch, done)
            batch = []
    if batch and not stop():
        yield _predicted(classifier, batch, done + len(batch))


def predict_project(
    classifier: Classifier, dataset: Dataset, ids: np.ndarray, experiment_uid: str, around: Surroundings
) -> None:
    """Predict images of a project and store what comes of it, some at a time; says how far it is.

    Parameters
    ----------
    classifier : Classifier
    dataset : Dataset
    ids : (N,) ndarray of int
    experiment_uid : str
        Whose predictions they are.
    around : Surroundings

    Raises
    ------
    Stopped
        Somebody asked for the end; the predictions until then are stored.
    ImageReadError
        None of the images could be read; one that cannot is told of and left out.
    """
    images = (Image(id, partial(dataset.pixels, id)) for id in ids.tolist())
    parts: list[Predicted] = []
    read = 0
    failed: dict[Name, ImageReadError] = {}
    told = stored = time.monotonic()

    def store() -> None:
        found = np.array([id for part in parts for id in part.names], dtype=np.int64)
        if len(found):
            probabilities = np.concatenate([part.probabilities for part in parts])
            dataset.store_predictions(experiment_uid, classifier.classes, found, probabilities)
        parts.clear()

    for part in predicted(classifier, images, stop=around.stopping):
        parts.append(part)
        read += len(part.names)
        failed |= part.failed
        for id, error in part.failed.items():
            around.say(f"Image {id} is left out: {error}")
        moment = time.monotonic()
        if moment - stored > _STORE_SECONDS:
            store()
            stored = moment
        if moment - told > _TELL_SECONDS or part.done == len(ids):
            around.say(progress_line(part.done, len(ids)))
            told = moment
    store()
    around.check()
    if failed and not read:
        raise next(iter(failed.values()))


def prediction_frame(
    classes: Sequence[str], names: Sequence[Name], probabilities: np.ndarray
) -> pd.DataFrame:
    """Return one row an image: index image; columns prediction, confidence, and ``p(name)`` for each class."""
    import pandas as pd

    best = probabilities.argmax(axis=1)
    columns: dict[str, Any] = {
        "prediction": np.asarray(classes, dtype=object)[best],
        "confidence": probabilities.max(axis=1) if len(best) else np.empty(0, dtype=np.float32),
    }
    for index, name in enumerate(classes):
        columns[f"p({name})"] = probabilities[:, index]
    return pd.DataFrame(columns, index=pd.Index(names, name="image"))


def truth_of(
    classes: Sequence[str],
    labels: Sequence[str | int | None] | str,
    count: int,
    names: dict[int, Name],
) -> np.ndarray:
    """Return the index in `classes` of each image's label, (`count`,) int64; -1 where it has none, or no class is it.

    Parameters
    ----------
    classes : sequence of str
    labels : sequence of str or int, or "folder"
        See `Classifier.evaluate`.
    count : int
        How many images were given.
    names : dict of int to str or int
        What the images at some positions are called.

    Raises
    ------
    EvaluationError
        There are more or fewer labels than images, or a label is neither a name nor an index.
    """
    if isinstance(labels, str):
        if labels != "folder" or not all(isinstance(name, str) for name in names.values()):
            raise EvaluationError(
                f"labels must be a sequence with a label for each image, or 'folder' for images in files; got "
                f"{labels!r} for {count} images."
            )
        found: list[Any] = [
            os.path.basename(os.path.dirname(str(names.get(row, "")))) for row in range(count)
        ]
    else:
        found = list(labels)
    if len(found) != count:
        raise EvaluationError(
            f"{count} images need as many labels, None where it is not known; got {len(found)}."
        )
    index = {name: position for position, name in enumerate(classes)}
    truth = np.full(count, -1, dtype=np.int64)
    for row, label in enumerate(found):
        if isinstance(label, str):
            truth[row] = index.get(label, -1)
        elif (
            isinstance(label, int | np.integer) and not isinstance(label, bool) and 0 <= label < len(classes)
        ):
            truth[row] = label
        elif not (label is None or (isinstance(label, float) and math.isnan(label))):
            raise EvaluationError(
                f"Label {row} is {label!r}; a label is the name of a class, its index from 0 to {len(classes) - 1}, or "
                "None."
            )
    return truth


def tell_failed(failed: dict[Name, ImageReadError], read: int, done: int, stacklevel: int) -> None:
    """Warn of images that could not be read; where none of `done` could, raise the first one's error.

    `failed` is by name, and a file may have been named twice: `done` minus `read` is the number that counts.
    """
    if not failed:
        return
    if not read:
        raise next(iter(failed.values()))
    told = "; ".join(str(error) for error in list(failed.values())[:_SHOWN])
    more = f"; and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
    warnings.warn(
        f"{done - read} of {done} images could not be read and are left out: {told}{more}",
        stacklevel=stacklevel + 1,
    )


def progress_line(done: int, total: int) -> str:
    """Return the line by which a worker says how far a prediction is; the next one replaces it."""
    return f"\r{done} of {total} images predicted"


def read_progress_line(text: str) -> tuple[int, int] | None:
    """Return what `progress_line` was given; None for any other line."""
    found = re.fullmatch(r"\r?([0-9]+) of ([0-9]+) images predicted", text)
    return (int(found[1]), int(found[2])) if found else None


def _until(stop: Callable[[], bool], images: Iterable[Image]) -> Iterator[Image]:
    for image in images:
        if stop():
            return
        yield image


def _prepared(image: Image, preprocessing: Preprocessing) -> np.ndarray | ImageReadError:
    try:
        pixels = stack(
            [image.read()], preprocessing.input_shape, framing=preprocessing.framing, names=[image.name]
        )
    except ImageReadError as error:
        return error
    normalized: np.ndarray = preprocessing.normalize(pixels)[0]
    return normalized


def _predicted(
    classifier: Classifier, batch: list[tuple[Name, np.ndarray | ImageReadError]], done: int
) -> Predicted:
    names: list[Name] = []
    positions: list[int] = []
    pixels: list[np.ndarray] = []
    failed: dict[Name, ImageReadError] = {}
    for position, (name, result) in enumerate(batch, start=done - len(batch)):
        if isinstance(result, ImageReadError):
            failed[name] = result
        else:
            names.append(name)
            positions.append(position)
            pixels.append(result)
    if pixels:
        probabilities = classifier.predict_prepared(np.stack(pixels))
    else:
        probabilities = np.empty((0, len(classifier.classes)), dtype=np.float32)
    return Predicted(names, positions, probabilities, done, failed)
