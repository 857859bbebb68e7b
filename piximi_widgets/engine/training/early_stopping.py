"""When a training has had its best epoch, and the weights of that epoch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..config import TrainingConfig

if TYPE_CHECKING:
    import keras


class EarlyStopping:
    """Watches a loss, keeps the best epoch's weights and says when enough epochs were not better.

    Parameters
    ----------
    config : TrainingConfig
        ``early_stopping`` is the number of epochs without a better loss; 0 watches nothing.
    """

    def __init__(self, config: TrainingConfig) -> None:
        self._patience = config.early_stopping
        self._best = math.inf
        self._wait = 0
        self.weights: list[np.ndarray] | None = None

    @property
    def over(self) -> bool:
        """Whether the patience is at its end."""
        return bool(self._patience) and self._wait >= self._patience

    def observe(self, loss: float, model: keras.Model) -> None:
        """Take note of the loss after an epoch, and of the weights if none was better."""
        if not self._patience:
            return
        if loss < self._best or self.weights is None:
            self._best, self._wait = loss, 0
            self.weights = model.get_weights()
        else:
            self._wait += 1

    def restore(self, model: keras.Model) -> None:
        """Give `model` the weights of the best epoch, if one was watched; be patient again."""
        if self.weights is not None:
            model.set_weights(self.weights)
        self._wait = 0

    def position(self) -> dict[str, Any]:
        """Return what was noted, but for the weights, as JSON values."""
        return {"best": self._best if math.isfinite(self._best) else None, "wait": self._wait}

    def go_to(self, position: dict[str, Any], weights: list[np.ndarray] | None) -> None:
        """Take over what `position` returned, and the weights of then."""
        self._best = math.inf if position["best"] is None else position["best"]
        self._wait, self.weights = position["wait"], weights
