"""Each loss is what its formula says, image by image, and what Keras computes of the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

from piximi_widgets.engine.training.losses import per_image

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("tensorflow")]

LOGITS = np.array([[2.0, -1.0, 0.5], [0.0, 0.0, 0.0], [-3.0, 4.0, 8.0]], dtype=np.float32)
LABELS = np.array([0, 2, 1], dtype=np.int32)
TRUTH = np.eye(3)[LABELS]


def computed(tensorflow, kind: str, smoothing: float = 0.0) -> np.ndarray:
    return per_image(
        tensorflow, kind, tensorflow.constant(LOGITS), tensorflow.constant(LABELS), smoothing
    ).numpy()


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def by_hand(kind: str, targets: np.ndarray) -> np.ndarray:
    logits, p = LOGITS.astype(np.float64), softmax(LOGITS)
    if kind == "softmax-cross-entropy":
        return -(targets * np.log(p)).sum(axis=1)
    if kind == "sigmoid-cross-entropy":
        s = 1 / (1 + np.exp(-logits))
        return -(targets * np.log(s) + (1 - targets) * np.log(1 - s)).mean(axis=1)
    if kind == "mean-squared-error":
        return ((p - targets) ** 2).mean(axis=1)
    if kind == "absolute-difference":
        return np.abs(p - targets).mean(axis=1)
    if kind == "huber":
        d = np.abs(p - targets)
        return np.where(d <= 1, 0.5 * d**2, d - 0.5).mean(axis=1)
    if kind == "hinge":
        return np.maximum(0, 1 - np.where(TRUTH > 0, 1, -1) * logits).mean(axis=1)
    q = np.clip(p, 1e-7, 1 - 1e-7)
    return -(targets * np.log(q) + (1 - targets) * np.log(1 - q)).mean(axis=1)


KINDS = (
    "softmax-cross-entropy",
    "sigmoid-cross-entropy",
    "mean-squared-error",
    "absolute-difference",
    "huber",
    "hinge",
    "log",
)


@pytest.mark.parametrize("kind", KINDS)
def test_a_loss_is_its_formula(tensorflow, kind: str):
    np.testing.assert_allclose(computed(tensorflow, kind), by_hand(kind, TRUTH), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "hinge"])
def test_label_smoothing_moves_the_targets(tensorflow, kind: str):
    towards = 0.5 if kind in ("sigmoid-cross-entropy", "log") else 1 / 3
    targets = 0.8 * TRUTH + 0.2 * towards
    np.testing.assert_allclose(computed(tensorflow, kind, 0.2), by_hand(kind, targets), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("kind", KINDS)
def test_keras_computes_the_same(tensorflow, kind: str, smoothing: float):
    from keras import losses

    if kind == "hinge" and smoothing:
        pytest.skip("hinge has no smoothing")
    p, smoothed = (
        softmax(LOGITS).astype(np.float32),
        (TRUTH * (1 - smoothing) + smoothing / 3).astype(np.float32),
    )
    plain = {"reduction": None}
    theirs = {
        "softmax-cross-entropy": lambda: losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=smoothing, **plain
        )(TRUTH, LOGITS),
        "sigmoid-cross-entropy": lambda: losses.BinaryCrossentropy(
            from_logits=True, label_smoothing=smoothing, **plain
        )(TRUTH, LOGITS),
        "mean-squared-error": lambda: losses.MeanSquaredError(**plain)(smoothed, p),
        "absolute-difference": lambda: losses.MeanAbsoluteError(**plain)(smoothed, p),
        "huber": lambda: losses.Huber(delta=1.0, **plain)(smoothed, p),
        "hinge": lambda: losses.Hinge(**plain)(TRUTH, LOGITS),
        "log": lambda: losses.BinaryCrossentropy(label_smoothing=smoothing, **plain)(TRUTH, p),
    }[kind]()
    np.testing.assert_allclose(computed(tensorflow, kind, smoothing), theirs, rtol=1e-4, atol=1e-6)


def test_log_takes_no_probability_for_smaller_than_its_limit(tensorflow):
    logits, labels = tensorflow.constant([[-50.0, 50.0]]), tensorflow.constant([0])
    np.testing.assert_allclose(per_image(tensorflow, "log", logits, labels), [-np.log(1e-7)], rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_wild_logits_give_finite_losses_and_gradients(tensorflow, kind: str):
    tf = tensorflow
    logits = tf.constant([[1000.0, -1000.0], [-1000.0, 1000.0]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        losses = per_image(tf, kind, logits, tf.constant([0, 0]), 0.0)
    assert np.isfinite(losses.numpy()).all()
    assert np.isfinite(tape.gradient(losses, logits).numpy()).all()
