"""The losses, each image's own, from logits.

Every loss compares K numbers of an image with its class as a one-hot vector, and is their mean over the classes but for
the softmax cross-entropy, which is one sum by nature. Piximi computes all of them on probabilities; here the
cross-entropies and the hinge loss see the logits, for which they are made.
"""

from __future__ import annotations

from typing import Any

_SMALLEST_PROBABILITY = 1e-7


def per_image(tf: Any, kind: str, logits: Any, labels: Any, smoothing: float = 0.0) -> Any:
    """Return the loss of each image.

    Parameters
    ----------
    tf : module
    kind : str
        A value of the setting ``loss``.
    logits : (n, K) tensor of float32
        What goes into the network's softmax.
    labels : (n,) tensor of int32
    smoothing : float
        Share of certainty that is taken from the target. The two losses that judge each class for itself move their
        targets towards one half, the others towards ``1 / K``; hinge, which asks for a margin, has none.

    Returns
    -------
    (n,) tensor of float32
    """
    if kind == "softmax-cross-entropy" and not smoothing:
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    classes = logits.shape[-1]
    truth = tf.one_hot(labels, classes)
    towards = 0.5 if kind in ("sigmoid-cross-entropy", "log") else 1.0 / classes
    targets = truth * (1.0 - smoothing) + smoothing * towards if smoothing else truth
    if kind == "softmax-cross-entropy":
        return tf.nn.softmax_cross_entropy_with_logits(targets, logits)
    if kind == "sigmoid-cross-entropy":
        values = tf.nn.sigmoid_cross_entropy_with_logits(targets, logits)
    elif kind == "hinge":
        values = tf.nn.relu(1.0 - (2.0 * truth - 1.0) * logits)
    else:
        values = _of_probabilities(tf, kind, tf.nn.softmax(logits), targets)
    return tf.reduce_mean(values, axis=-1)


def _of_probabilities(tf: Any, kind: str, probabilities: Any, targets: Any) -> Any:
    if kind == "log":
        right = tf.math.log(tf.maximum(probabilities, _SMALLEST_PROBABILITY))
        wrong = tf.math.log(tf.maximum(1.0 - probabilities, _SMALLEST_PROBABILITY))
        return -targets * right - (1.0 - targets) * wrong
    distance = tf.abs(targets - probabilities)
    if kind == "mean-squared-error":
        return tf.square(distance)
    if kind == "absolute-difference":
        return distance
    if kind == "huber":
        # Distances of probabilities never exceed 1, where huber with delta 1 would turn into a straight line.
        return 0.5 * tf.square(distance)
    raise ValueError(f"there is no loss {kind!r}")
