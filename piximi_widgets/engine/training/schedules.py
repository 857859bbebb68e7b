"""The learning rate of every batch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..config import TrainingConfig


class Schedule:
    """The learning rates of some epochs.

    The rate rises to its full value over the warm-up, batch by batch; then the schedule begins, which changes it from
    epoch to epoch.

    Parameters
    ----------
    config : TrainingConfig
    epochs : int
        How many epochs it spans. A warm-up never takes more.
    rate : float
        Multiplies the learning rate of `config`.
    """

    def __init__(self, config: TrainingConfig, epochs: int, rate: float = 1.0) -> None:
        self._config = config
        self._epochs = epochs
        self._full = config.learning_rate * rate
        self._warmup = min(config.warmup_epochs, epochs)
        self._falls = 0
        self._wait = 0
        self._best = math.inf

    def rates(self, epoch: int, batches: int) -> np.ndarray:
        """Return the learning rate of each batch of `epoch` (from 1), (batches,) float64."""
        if epoch <= self._warmup:
            done = (epoch - 1) * batches + np.arange(1, batches + 1)
            return np.asarray(self._full * done / (self._warmup * batches))
        return np.full(batches, self._full * self._share(epoch - self._warmup))

    def observe(self, epoch: int, loss: float) -> None:
        """Take note of the loss after `epoch`, of which the rates of later epochs may depend.

        Parameters
        ----------
        epoch : int
            From 1.
        loss : float
            On the validation images, on the training images without any.
        """
        if self._config.schedule != "plateau":
            return
        if loss < self._best:
            self._best, self._wait = loss, 0
        elif epoch > self._warmup:
            self._wait += 1
            if self._wait >= self._config.schedule_epochs:
                self._falls, self._wait = self._falls + 1, 0

    def _share(self, epoch: int) -> float:
        config = self._config
        if config.schedule == "cosine":
            return 0.5 * (1 + math.cos(math.pi * (epoch - 1) / (self._epochs - self._warmup)))
        if config.schedule == "step":
            return config.schedule_factor ** ((epoch - 1) // config.schedule_epochs)
        return config.schedule_factor**self._falls

    def position(self) -> dict[str, Any]:
        """Return what `observe` has noted, as JSON values."""
        best = self._best if math.isfinite(self._best) else None
        return {"falls": self._falls, "wait": self._wait, "best": best}

    def go_to(self, position: dict[str, Any]) -> None:
        """Take over what `position` returned."""
        self._falls, self._wait = position["falls"], position["wait"]
        self._best = math.inf if position["best"] is None else position["best"]
