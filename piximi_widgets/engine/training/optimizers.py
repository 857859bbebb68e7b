"""The optimizers: TensorFlow's fused kernels, which compute what ``keras.optimizers`` do in one pass over a variable.

Their constants are Keras' defaults. Only the learning rate and the momentum of ``momentum`` are settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..config import TrainingConfig

#: AdamW without weight decay would be Adam: the decay that it has where the setting is 0.
ADAMW_DECAY = 0.01

_BETA_1, _BETA_2, _RHO, _ADADELTA_RHO, _EPSILON = 0.9, 0.999, 0.9, 0.95, 1e-7
# What the numbers that an optimizer keeps for each weight are called, and at what they begin.
_SLOTS: dict[str, dict[str, float]] = {
    "adam": {"m": 0.0, "v": 0.0},
    "adamw": {"m": 0.0, "v": 0.0},
    "adamax": {"m": 0.0, "v": 0.0},
    "momentum": {"accum": 0.0},
    "rmsprop": {"ms": 0.0, "mom": 0.0},
    "adagrad": {"accum": 0.1},
    "adadelta": {"accum": 0.0, "accum_update": 0.0},
    "sgd": {},
}
_NEVER_DECAYED = ("bias", "gamma", "beta")


class Optimizer:
    """Changes variables by their gradients; holds what it remembers between steps.

    Parameters
    ----------
    config : TrainingConfig
    parameters : sequence of keras.Variable
        What is trained.

    Attributes
    ----------
    state : list of tf.Variable
        The steps so far and the numbers kept for each variable: with these and the variables it goes on as if never
        interrupted.
    """

    def __init__(self, config: TrainingConfig, parameters: Sequence[Any]) -> None:
        import tensorflow as tf

        self._tf = tf
        self._config = config
        self._variables = [parameter.value for parameter in parameters]
        self._slots = [
            {
                name: tf.Variable(tf.fill(variable.shape, tf.cast(value, variable.dtype)))
                for name, value in kinds.items()
            }
            for kinds, variable in ((_SLOTS[config.optimizer], variable) for variable in self._variables)
        ]
        self._steps = tf.Variable(0, dtype=tf.int64)
        self._decay = config.weight_decay or (ADAMW_DECAY if config.optimizer == "adamw" else 0.0)
        self._decayed = [is_kernel(parameter) for parameter in parameters]
        self.state = [self._steps, *(slot for slots in self._slots for slot in slots.values())]

    def apply(self, gradients: Sequence[Any], rate: Any) -> None:
        """Take one step, within a graph.

        Parameters
        ----------
        gradients : sequence of tensor
            One for each variable.
        rate : () tensor of float32
        """
        tf, config = self._tf, self._config
        if config.gradient_clipping:
            gradients, _ = tf.clip_by_global_norm(gradients, config.gradient_clipping)
        step = tf.cast(self._steps.assign_add(1), tf.float32)
        for variable, slots, decayed, gradient in zip(
            self._variables, self._slots, self._decayed, gradients, strict=True
        ):
            if self._decay and decayed:
                variable.assign_sub(variable * (self._decay * rate))
            handles = {name: slot.handle for name, slot in slots.items()}
            self._step(variable.handle, handles, gradient, rate, step)

    def _step(self, var: Any, slots: dict[str, Any], grad: Any, lr: Any, step: Any) -> None:
        ops, kind = self._tf.raw_ops, self._config.optimizer
        if kind in ("adam", "adamw"):
            ops.ResourceApplyAdam(
                var=var,
                **slots,
                beta1_power=self._tf.pow(_BETA_1, step),
                beta2_power=self._tf.pow(_BETA_2, step),
                lr=lr,
                beta1=_BETA_1,
                beta2=_BETA_2,
                epsilon=_EPSILON,
                grad=grad,
            )
        elif kind == "adamax":
            ops.ResourceApplyAdaMax(
                var=var,
                **slots,
                beta1_power=self._tf.pow(_BETA_1, step),
                lr=lr,
                beta1=_BETA_1,
                beta2=_BETA_2,
                epsilon=_EPSILON,
                grad=grad,
            )
        elif kind == "momentum":
            ops.ResourceApplyKerasMomentum(var=var, **slots, lr=lr, grad=grad, momentum=self._config.momentum)
        elif kind == "rmsprop":
            ops.ResourceApplyRMSProp(
                var=var, **slots, lr=lr, rho=_RHO, momentum=0.0, epsilon=_EPSILON, grad=grad
            )
        elif kind == "adagrad":
            ops.ResourceApplyAdagradV2(var=var, **slots, lr=lr, epsilon=_EPSILON, grad=grad)
        elif kind == "adadelta":
            ops.ResourceApplyAdadelta(var=var, **slots, lr=lr, rho=_ADADELTA_RHO, epsilon=_EPSILON, grad=grad)
        else:
            ops.ResourceApplyGradientDescent(var=var, alpha=lr, delta=grad)


def is_kernel(parameter: Any) -> bool:
    """Whether a keras.Variable is the kernel of a layer, which decays: no bias, and no scale of a normalisation."""
    return len(parameter.shape) >= 2 and parameter.name not in _NEVER_DECAYED
