"""What a training tells while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .state import TrainingState


@dataclass(frozen=True)
class BatchReport:
    """Batches that were just done.

    Attributes
    ----------
    epoch : int
        From 1, over all stages.
    first_step : int
        Number of the first of these batches, counted from 1 over the whole training.
    losses : (n,) ndarray of float32
        Mean loss of each batch.
    done, total : int
        Batches of this epoch that are done, and all of them.
    """

    epoch: int
    first_step: int
    losses: np.ndarray
    done: int
    total: int


@dataclass(frozen=True)
class EpochReport:
    """An epoch that was just done.

    Attributes
    ----------
    epoch : int
        From 1, over all stages.
    loss, accuracy : float
        Means over the images that the epoch visited, each taken when its batch was visited, while the weights moved: as
        Keras reports them. They lag behind what the weights at the epoch's end would score. Class weights are in this
        loss, label smoothing is not.
    val_loss, val_accuracy : float or None
        Of the weights at the epoch's end on the validation images, each counting alike and without smoothing; None
        without any.
    seconds : float
    learning_rate : float
        Of the epoch's last batch.
    state : callable
        Returns the `TrainingState` at this epoch's end; to be called before the report's receiver returns.
    """

    epoch: int
    loss: float
    accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    seconds: float
    learning_rate: float
    state: Callable[[], TrainingState] = field(repr=False, compare=False)

    @property
    def watched_loss(self) -> float:
        """What early stopping and the schedule plateau follow: the validation loss, the training loss without any."""
        return self.loss if self.val_loss is None else self.val_loss
