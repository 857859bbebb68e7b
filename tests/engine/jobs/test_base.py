"""Beginning with trained weights: which class of the network is which."""

from __future__ import annotations

import numpy as np
import pytest

from piximi_widgets.engine import architectures
from piximi_widgets.errors import NotTrainableError

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("tensorflow")]

SHAPE = (20, 20, 1)


def network(classes: int, seed: int):
    return architectures.build("simple-cnn", SHAPE, classes, seed)


@pytest.mark.parametrize(
    ("kept", "old_classes"),
    [([0, 1, -1], 2), ([1, -1, 0], 2), ([2, 0], 3), ([-1, -1], 2), ([1, 0], 2)],
    ids=["one more", "one more, moved", "one less", "all new", "moved"],
)
def test_each_class_keeps_its_column_and_a_new_one_its_beginning(kept, old_classes):
    from piximi_widgets.engine.jobs.warmstart import transfer

    base, model = network(old_classes, seed=1), network(len(kept), seed=2)
    fresh = network(len(kept), seed=2)
    transfer(model, base, np.array(kept))
    *body, kernel, bias = (weight.numpy() for weight in model.weights)
    for mine, theirs in zip(body, base.weights[:-2], strict=True):
        np.testing.assert_array_equal(mine, theirs.numpy())
    for column, old in enumerate(kept):
        source, place = (fresh, column) if old < 0 else (base, old)
        np.testing.assert_array_equal(kernel[:, column], source.weights[-2].numpy()[:, place])
        np.testing.assert_array_equal(bias[column], source.weights[-1].numpy()[place])


def test_the_outputs_of_the_kept_classes_are_those_of_the_base():
    """Independent of how layers are walked: the same logits come out."""
    from piximi_widgets.engine.architectures import Logits
    from piximi_widgets.engine.jobs.warmstart import transfer

    base, model = network(3, seed=1), network(4, seed=2)
    transfer(model, base, np.array([2, -1, 0, 1]))
    pixels = np.random.default_rng(0).normal(size=(5, *SHAPE)).astype(np.float32)
    before, after = (np.asarray(Logits(each)(pixels, training=False)) for each in (base, model))
    np.testing.assert_allclose(after[:, [2, 3, 0]], before, rtol=1e-5, atol=1e-6)


def test_another_network_is_refused_and_nothing_is_changed():
    from piximi_widgets.engine.jobs.warmstart import transfer

    model, other = network(2, seed=1), architectures.build("small-resnet", SHAPE, 2, 0)
    before = [weight.numpy() for weight in model.weights]
    with pytest.raises(NotTrainableError, match="different layers"):
        transfer(model, other, np.array([0, 1]))
    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)


def test_an_extension_speaks_of_no_base(tensorflow):
    from piximi_widgets.engine.jobs.warmstart import copy_weights

    layers = tensorflow.keras.layers
    trained, made = (
        tensorflow.keras.Sequential([layers.Input((4,)), *[layers.Dense(2) for _ in range(count)]])
        for count in (1, 2)
    )
    with pytest.raises(NotTrainableError, match="cannot go on") as caught:
        copy_weights(made, trained)
    assert "base" not in str(caught.value)
