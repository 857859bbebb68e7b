"""Half precision: what a training needs so that small gradients do not vanish."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...errors import ConfigurationError
from ..config import TrainingConfig
from .optimizers import Optimizer

if TYPE_CHECKING:
    import keras

_FIRST_SCALE = 2.0**15
_PATIENCE = 2000


def check_precision(config: TrainingConfig, model: keras.Model) -> None:
    """Raise a ConfigurationError if `config` asks for mixed precision and `model` was not built for it."""
    if config.precision == "mixed" and not compute_types(model) & {"float16", "bfloat16"}:
        problem = "This network was built for float32 only. Choose the precision float32."
        raise ConfigurationError({"precision": problem})


def compute_types(model: keras.Model) -> set[str]:
    """Return the types in which the layers of `model` compute."""
    return {layer.compute_dtype for layer in model._flatten_layers(include_self=False)}


class LossScale:
    """Gradients of a loss that is made larger, so that float16 can hold them, and steps that leave out overflows.

    The scale halves where a gradient is not finite, and doubles after 2000 good steps: as Keras' LossScaleOptimizer.
    bfloat16 has float32's range and needs none.

    Parameters
    ----------
    optimizer : Optimizer
    """

    def __init__(self, optimizer: Optimizer) -> None:
        import tensorflow as tf

        self._tf = tf
        self._optimizer = optimizer
        self._scale = tf.Variable(_FIRST_SCALE, dtype=tf.float32)
        self._good = tf.Variable(0, dtype=tf.int64)
        self.state = [*optimizer.state, self._scale, self._good]

    def enlarge(self, loss: Any) -> Any:
        """Return `loss` for the gradient."""
        return loss * self._scale

    def apply(self, gradients: Sequence[Any], rate: Any) -> None:
        """Take one step with the gradients of an enlarged loss, within a graph."""
        tf = self._tf
        finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients])
        true = [gradient / self._scale for gradient in gradients]

        def step() -> Any:
            self._optimizer.apply(true, rate)
            good = self._good.assign_add(1)
            enough = good >= _PATIENCE
            self._scale.assign(tf.where(enough, self._scale * 2.0, self._scale))
            return self._good.assign(tf.where(enough, tf.zeros_like(good), good))

        def skip() -> Any:
            self._scale.assign(tf.maximum(1.0, self._scale / 2.0))
            return self._good.assign(0)

        tf.cond(finite, step, skip)
