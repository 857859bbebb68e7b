"""The partitions of a training whose base is frozen: features in the place of pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import TrainingError
from ..augmentation import apply, draw, measure_channels
from ..config import TrainingConfig
from ..partitions import Partition
from .extractor import FeatureExtractor

if TYPE_CHECKING:
    import keras

EpochPixels = Callable[[int], np.ndarray]

# Images that are augmented at a time: one graph for all, and memory for few.
_CHUNK = 64


def frozen_training(
    model: keras.Model,
    config: TrainingConfig,
    training: Partition,
    validation: Partition,
    extractor: FeatureExtractor,
    *,
    say: Callable[[str], None] = lambda _: None,
    progress: Callable[[int, int], None] = lambda _, __: None,
) -> tuple[Partition, Partition, EpochPixels | None]:
    """Return what trains the head of a network as training the whole network with a frozen base would.

    Without augmentation each image's features are computed once, in all. Under flips and quarter turns it has eight
    views, whose features are computed when an epoch first needs them. Under anything continuous no image looks twice the
    same, and each epoch computes the features of all images.

    Parameters
    ----------
    model : keras.Model
        The whole network, whose base `extractor` has.
    config : TrainingConfig
    training, validation : Partition
        Pixels that are ready for `model`.
    extractor : FeatureExtractor
    say : callable
        Takes a line for the person who waits.
    progress : callable
        Takes the number of images that are done, and of all, before the first epoch.

    Returns
    -------
    training, validation : Partition
        Features (N, F) and the same labels. With `epoch_pixels` the training's features are not a number: they are those
        of no epoch.
    epoch_pixels : callable or None
        Takes an epoch, from 1, and returns its training features, (N, F) float32; None where all epochs have the same.

    Raises
    ------
    TrainingError
        The images are not of the size that the network takes.
    """
    expected = tuple(model.input_shape[1:])
    for partition in (training, validation):
        if len(partition) and partition.pixels.shape[1:] != expected:
            raise TrainingError(
                f"The images are {partition.pixels.shape[1:]}, and the network takes {expected}."
            )
    draws = draw(config, (1, *expected), 1)
    total = len(validation) + (0 if draws.arrays() else len(training))
    seen = _features(extractor, validation, lambda done: progress(done, total))
    if not draws.arrays():
        learned = _features(extractor, training, lambda done: progress(len(validation) + done, total))
        return learned, seen, None
    nothing = np.broadcast_to(np.float32(np.nan), (len(training), extractor.width))
    epochs: EpochPixels
    if draws.continuous:
        say(
            "Each epoch sees new variations of the images, so the frozen base is computed again in every epoch. "
            "Augmentation by flips and quarter turns alone, or none, is many times faster."
        )
        epochs = _Continuous(extractor, config, training).features
    else:
        epochs = _Views(extractor, config, training).features
    return Partition(nothing, training.labels), seen, epochs


def _features(
    extractor: FeatureExtractor, partition: Partition, progress: Callable[[int], None]
) -> Partition:
    if not len(partition):
        return Partition(np.empty((0, extractor.width), np.float32), partition.labels)
    return Partition(extractor.features(partition, progress=progress), partition.labels)


@dataclass
class _Views:
    """The eight views of each image, each computed when an epoch first asks for it."""

    extractor: FeatureExtractor
    config: TrainingConfig
    training: Partition
    _known: dict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def features(self, epoch: int) -> np.ndarray:
        count = len(self.training)
        views = draw(self.config, self.training.pixels.shape, epoch).view
        for view in np.unique(views):
            if view not in self._known:
                empty = np.zeros((count, self.extractor.width), np.float32)
                self._known[int(view)] = empty, np.zeros(count, dtype=bool)
        missing = np.array(
            [row for row, view in enumerate(views) if not self._known[int(view)][1][row]], np.int64
        )
        if len(missing):
            computed = self.extractor.features(self.training, rows=missing, views=views[missing])
            for row, values in zip(missing, computed, strict=True):
                features, known = self._known[int(views[row])]
                features[row], known[row] = values, True
        return np.stack([self._known[int(view)][0][row] for row, view in enumerate(views)])


class _Continuous:
    """New variations of all images in every epoch."""

    def __init__(self, extractor: FeatureExtractor, config: TrainingConfig, training: Partition) -> None:
        import tensorflow as tf

        self._extractor, self._config, self._training = extractor, config, training
        self._channels = measure_channels(config, training)
        self._tf = tf
        self._apply = tf.function(self._augment, jit_compile=False, autograph=False)

    def features(self, epoch: int) -> np.ndarray:
        drawn = draw(self._config, self._training.pixels.shape, epoch).arrays()
        count = len(self._training)
        features = np.empty((count, self._extractor.width), np.float32)
        for start in range(0, count, _CHUNK):
            # The last chunk is filled up with images that come again: one graph for all chunks.
            rows = np.arange(start, start + _CHUNK) % count
            draws = {name: values[rows] for name, values in drawn.items()}
            size = min(_CHUNK, count - start)
            varied = self._apply(draws, self._training.take(rows)).numpy()[:size]
            features[start : start + size] = self._extractor.compute(varied)
        return features

    def _augment(self, draws: dict[str, Any], pixels: Any) -> Any:
        return apply(self._tf, draws, pixels, self._channels, noise=self._config.noise)
