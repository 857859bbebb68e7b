"""A trained network with what it needs to be used: its classes and its preprocessing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..dataset.adding.progress import shown
from ..errors import ArtifactError, EvaluationError, ImageReadError
from .architectures import summarize
from .classifier_file import read_classifier, write_classifier
from .config import TrainingConfig
from .evaluation import Evaluation
from .forward import BATCH, Forward, choose_kernels
from .given_images import Name, images_of
from .partitions import Partition
from .predicting import Predicted, predicted, prediction_frame, tell_failed, truth_of
from .preprocessing import Preprocessing

if TYPE_CHECKING:
    import keras
    import pandas as pd


class Classifier:
    """A network, the names of its classes, and how pixels are prepared for it.

    Parameters
    ----------
    model : keras.Model
        Takes (N, h, w, C) float32, gives (N, K) probabilities.
    classes : sequence of str
        K names, in the order of the outputs.
    preprocessing : Preprocessing
    config : TrainingConfig
        The settings of its training.
    """

    def __init__(
        self,
        model: keras.Model,
        classes: Sequence[str],
        preprocessing: Preprocessing,
        config: TrainingConfig,
    ) -> None:
        self.keras_model = model
        self.classes = list(classes)
        self.preprocessing = preprocessing
        self.config = config
        self._forward: Forward | None = None

    def predict(
        self,
        images: Any,
        *,
        progress: bool | Callable[[int, int], object] = True,
        stop: Callable[[], bool] = lambda: False,
    ) -> np.ndarray:
        """Return the probability of every class for every image.

        Images are read and prepared as they are needed, some at a time, so that they may be more than fit into memory.
        Interrupting the call, from the keyboard too, loses its result and nothing else.

        Parameters
        ----------
        images : (N, H, W), (N, H, W, C) or (N, Z, H, W, C) ndarray, path-like, or iterable
            Raw pixels, as they are in the project. A path is a file, a folder with its subfolders, in natural order,
            or a glob. A list or generator holds paths and single images: (H, W), (H, W, C) or (Z, H, W, C).
        progress : bool or callable
            True shows a bar when it takes longer than a second; a callable is told the numbers done and of all, which
            is 0 where only the end of a generator would tell.
        stop : callable
            Asked again and again; when it returns true, the call returns what it has.

        Returns
        -------
        (N, K) ndarray of float32
            An image's row depends on that image alone, bit for bit, where TensorFlow computes with oneDNN; this class
            switches that on, unless TensorFlow was imported before.

        Raises
        ------
        ImageReadError
            An image cannot be read, or has another number of channels than those of the training; `predictions` leaves
            such images out instead.
        """
        rows = []
        for part in self._predicted(images, progress, stop):
            for error in part.failed.values():
                raise error
            rows.append(part.probabilities)
        return np.concatenate(rows) if rows else np.empty((0, len(self.classes)), dtype=np.float32)

    def predictions(
        self,
        images: Any,
        *,
        progress: bool | Callable[[int, int], object] = True,
        stop: Callable[[], bool] = lambda: False,
    ) -> pd.DataFrame:
        """Predict images, and return a table.

        Parameters
        ----------
        images, progress, stop
            As `predict` takes them.

        Returns
        -------
        DataFrame
            Index ``image``, the path of a file or the position of an array; columns prediction, confidence, and
            ``p(name)`` for each class. Images that cannot be read are left out.

        Raises
        ------
        ImageReadError
            None of the images can be read.

        Warns
        -----
        UserWarning
            If images could not be read; ``.attrs["failed"]`` of the result has all with the reasons.
        """
        names, _, probabilities, failed, _ = self._collected(images, progress, stop)
        frame = prediction_frame(self.classes, names, probabilities)
        frame.attrs["failed"] = {name: str(error) for name, error in failed.items()}
        return frame

    def evaluate(
        self,
        images: Any,
        labels: Sequence[str | int | None] | str,
        *,
        progress: bool | Callable[[int, int], object] = True,
        stop: Callable[[], bool] = lambda: False,
    ) -> Evaluation:
        """Predict new images and compare with what they are.

        Nobody can see by an image whether it was trained on: give images that were not.

        Parameters
        ----------
        images, progress
            As `predict` takes them.
        labels : sequence of str or int, or "folder"
            For each image the name of its class or its index in `classes`, None where it is not known; or
            ``"folder"``: the name of the folder that a file lies in.
        stop : callable
            Asked again and again; when it returns true, the images until then are scored.

        Returns
        -------
        Evaluation
            Its partition is ``"new"`` and its ids are the images' positions. Its ``unscored`` counts images without a
            label, with one that is no class, and those that cannot be read.

        Raises
        ------
        EvaluationError
            Labels and images differ in number (too many are not noticed in a call that is stopped), no image has a label
            that the classifier knows, or it was stopped before there was anything to score.
        ImageReadError
            None of the images can be read.
        """
        stopped = False

        def stops() -> bool:
            nonlocal stopped
            stopped = stopped or stop()
            return stopped

        names, positions, probabilities, _, count = self._collected(images, progress, stops)
        if stopped and not count:
            raise EvaluationError(
                "It was stopped before the first image was predicted; there is nothing to score."
            )
        if stopped and not isinstance(labels, str):
            labels = list(labels)[:count]
        truth = truth_of(self.classes, labels, count, dict(zip(positions, names, strict=True)))[positions]
        known = truth >= 0
        files = any(isinstance(name, str) for name in names)
        return Evaluation(
            self.classes,
            np.array(positions, dtype=np.int64)[known],
            truth[known],
            probabilities[known],
            partition="new",
            unscored=count - int(known.sum()),
            names=[name for name, scored in zip(names, known, strict=True) if scored] if files else None,
        )

    def predict_prepared(
        self, pixels: np.ndarray | Partition, *, stop: Callable[[], bool] = lambda: False
    ) -> np.ndarray:
        """Return the probabilities of images that went through `preprocessing`.

        Parameters
        ----------
        pixels : (N, h, w, C) ndarray of float32, or Partition
            Of a partition that is not in memory, 32 images at a time are read.
        stop : callable
            Asked before each 32 images; when it returns true, the call returns what it has.

        Returns
        -------
        (N, K) ndarray of float32
        """
        if self._forward is None:
            self._forward = Forward(self.keras_model)
        rows = [np.empty((0, len(self.classes)), dtype=np.float32)]
        for start in range(0, len(pixels), BATCH):
            if stop():
                break
            chunk = slice(start, start + BATCH)
            part = pixels.take(chunk) if isinstance(pixels, Partition) else pixels[chunk]
            rows.append(self._forward(part))
        return np.concatenate(rows)

    def summary(self) -> pd.DataFrame:
        """Return one row a layer: kind, output shape, parameters, trainable."""
        import pandas as pd

        return pd.DataFrame(summarize(self.keras_model)).set_index("layer")

    def save(self, path: str | Path) -> Path:
        """Write a ``.keras`` file that also holds the classes, the preprocessing and the settings.

        Keras itself opens it too, as a plain model. The file appears whole or not at all.

        Raises
        ------
        ArtifactError
            `path` does not end in ``.keras``, or `load` would refuse the file: the network has layers that are not
            Keras' own, for example.
        """
        target = Path(path)
        if target.suffix != ".keras":
            raise ArtifactError(f"A classifier is saved as a .keras file; got {target.name!r}.")
        write_classifier(target, self.keras_model, self._description())
        return target

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote. No code in the file is run, and no file but this one is read.

        Raises
        ------
        ArtifactError
            The file is missing, damaged, no classifier of piximi_widgets, or one whose network has layers that are not
            Keras' own or are larger than the weights in the file.
        """
        source = Path(path)
        choose_kernels()
        model, description = read_classifier(source)
        try:
            classes = [str(name) for name in description["classes"]]
            preprocessing = Preprocessing.from_json(description["preprocessing"])
            config = TrainingConfig.from_json(description["config"])
            shapes = model.input_shape, model.output_shape
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise ArtifactError(
                f"{source} is damaged and cannot be loaded ({error}). Take another copy."
            ) from error
        if not classes or len(set(classes)) != len(classes):
            raise ArtifactError(f"{source} is damaged: its classes have no names of their own.")
        if shapes != ((None, *preprocessing.input_shape), (None, len(classes))):
            raise ArtifactError(f"{source} is damaged: its network and its classes do not fit together.")
        return cls(model, classes, preprocessing, config)

    def __repr__(self) -> str:
        return (
            f"Classifier({self.config.architecture}, {self.preprocessing.input_words}, "
            f"{len(self.classes)} classes: {', '.join(self.classes[:5])}{'…' if len(self.classes) > 5 else ''})"
        )

    def _repr_html_(self) -> str:
        from .classifier_html import classifier_html

        return classifier_html(self)

    def _predicted(
        self, images: Any, progress: bool | Callable[[int, int], object], stop: Callable[[], bool]
    ) -> Iterator[Predicted]:
        listed, count = images_of(images)
        with shown(progress, count) as tell:
            for part in predicted(self, listed, stop=stop):
                tell(part.done, count)
                yield part

    def _collected(
        self, images: Any, progress: bool | Callable[[int, int], object], stop: Callable[[], bool]
    ) -> tuple[list[Name], list[int], np.ndarray, dict[Name, ImageReadError], int]:
        """Names, positions and probabilities of what could be read; what was wrong with the others; how many all are."""
        done = 0
        names: list[Name] = []
        positions: list[int] = []
        rows = [np.empty((0, len(self.classes)), dtype=np.float32)]
        failed: dict[Name, ImageReadError] = {}
        for part in self._predicted(images, progress, stop):
            names += part.names
            positions += part.positions
            rows.append(part.probabilities)
            failed |= part.failed
            done = part.done
        # The caller of the public method is whom the warning is for.
        tell_failed(failed, len(names), done, stacklevel=3)
        return names, positions, np.concatenate(rows), failed, done

    def _description(self) -> dict[str, Any]:
        return {
            "classes": self.classes,
            "preprocessing": self.preprocessing.to_json(),
            "config": self.config.to_json(),
        }
