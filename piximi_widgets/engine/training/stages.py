"""The parts of a training that follow each other, each with a schedule and an optimizer of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Stage:
    """Some epochs of a training.

    Attributes
    ----------
    epochs : int
        The most that it takes; early stopping may end it before.
    rate : float
        Multiplies the learning rate of the settings.
    trainable : callable, optional
        Called with the model before the stage begins, also when a training is resumed within or behind it: it sets which
        layers are trained.
    """

    epochs: int
    rate: float = 1.0
    trainable: Callable[[keras.Model], None] | None = None
