"""What settings, network and images must have in common before the first batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ConfigurationError, NotTrainableError
from ..augmentation import draw
from ..config import TrainingConfig
from ..partitions import Partition
from .precision import check_precision
from .stages import Stage

if TYPE_CHECKING:
    import keras


def augments(config: TrainingConfig) -> bool:
    """Whether the settings vary the training images."""
    return bool(draw(config, (1, 1, 1, 1), 1).arrays())


def check_training(
    model: keras.Model,
    config: TrainingConfig,
    training: Partition,
    stages: Sequence[Stage],
    *,
    given_pixels: bool,
) -> None:
    """Refuse what would only fail, or quietly do nothing, in the middle of a training.

    Raises
    ------
    ConfigurationError
        Settings contradict each other.
    NotTrainableError
        There are no training images, or labels that the network has no output for.
    """
    problems = setting_problems(config, stages)
    if not given_pixels and augments(config) and training.pixels.ndim != 4:
        problems["augmentation"] = "Features cannot be augmented, only images. Choose the augmentation none."
    if problems:
        raise ConfigurationError(problems)
    check_precision(config, model)
    if not len(training):
        raise NotTrainableError(["There are no training images. Label some, and split the project again."])
    classes = int(model.output_shape[-1])
    if int(np.min(training.labels)) < 0 or int(np.max(training.labels)) >= classes:
        got = f"from {np.min(training.labels)} to {np.max(training.labels)}"
        expected = (
            f"{classes} outputs, for the classes from 0. Build it for all classes of the dataset version."
        )
        raise NotTrainableError([f"The labels go {got}, but the network has {expected}"])


def setting_problems(config: TrainingConfig, stages: Sequence[Stage]) -> dict[str, str]:
    """Return a sentence for each setting that contradicts another."""
    problems = {}
    epochs = sum(stage.epochs for stage in stages)
    if config.warmup_epochs and config.warmup_epochs >= epochs:
        problems["warmup_epochs"] = (
            f"The learning rate would rise for {config.warmup_epochs} epochs, but the training has {epochs}. Choose fewer "
            "warm-up epochs, or more epochs."
        )
    return problems
