"""What goes into a network's final softmax: the loss is computed from that, exactly, instead of from rounded probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

_SMALLEST_PROBABILITY = 1e-7


class Logits:
    """The logits of a network that ends in a softmax.

    The layers, their variables and the states of their random generators are the network's own: what a call changes or
    a gradient reaches belongs to `model`.

    Parameters
    ----------
    model : keras.Model
        Sequential or functional, with (N, K) probabilities as its only output. It may end in a Dense layer with softmax,
        in ``Activation("softmax")`` or in a ``Softmax`` layer; of any other network the logits are the logarithms of
        its probabilities, which are first raised to 1e-7.

    Attributes
    ----------
    exact : bool
        Whether the logits are taken before the softmax; False where they are logarithms.
    """

    def __init__(self, model: keras.Model) -> None:
        import keras
        import tensorflow as tf

        self._tf = tf
        self._body: Any = model
        self._dense: Any = None
        last, before = _last_operation(model)
        if isinstance(last, keras.layers.Dense) and last.activation is keras.activations.softmax:
            self._dense = last
        elif not _is_softmax(last):
            before = None
        self.exact = before is not None
        if self.exact:
            self._body = keras.Model(model.inputs[0], before, name=f"{model.name}_logits")

    def __call__(self, x: Any, training: bool) -> Any:
        """Return the (N, K) float32 logits of pixels (N, h, w, C); in a graph or outside."""
        tf = self._tf
        y = tf.cast(self._body(x, training=training), tf.float32)
        if self._dense is not None:
            y = tf.linalg.matmul(y, self._dense.kernel.value)
            return y if self._dense.bias is None else y + self._dense.bias.value
        return y if self.exact else tf.math.log(tf.clip_by_value(y, _SMALLEST_PROBABILITY, 1.0))


def _last_operation(model: keras.Model) -> tuple[Any, Any]:
    """Return what computes the network's output, and the tensor that goes into it; Nones where that is not known."""
    outputs = getattr(model, "outputs", None)
    history = getattr(outputs[0], "_keras_history", None) if outputs and len(outputs) == 1 else None
    if history is None or len(model.inputs) != 1:
        return None, None
    before = history.operation._inbound_nodes[history.node_index].input_tensors
    return history.operation, before[0] if len(before) == 1 else None


def _is_softmax(layer: Any) -> bool:
    import keras

    if isinstance(layer, keras.layers.Softmax):
        return layer.axis in (-1, 1)
    return isinstance(layer, keras.layers.Activation) and layer.activation is keras.activations.softmax
