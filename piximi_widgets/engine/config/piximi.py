"""The settings of Piximi 1.1.4, and how a training with any settings departs from what it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Its defaults, where both have the setting.
PIXIMI: dict[str, Any] = {
    "architecture": "simple-cnn",
    "input_shape": (20, 20, "auto"),
    "plane": 0,
    "crop": "none",
    "crops": 1,
    "normalization": "bit-depth",
    "shuffle": True,
    "augmentation": "none",
    "training_fraction": 0.75,
    "class_weights": "none",
    "oversampling": False,
    "optimizer": "adam",
    "learning_rate": 0.01,
    "schedule": "constant",
    "warmup_epochs": 0,
    "batch_size": 32,
    "epochs": 10,
    "early_stopping": 0,
    "gradient_clipping": 0.0,
    "weight_decay": 0.0,
    "loss": "softmax-cross-entropy",
    "label_smoothing": 0.0,
    "precision": "float32",
}

_ALWAYS = (
    "The cross-entropy is computed from the network's outputs once; Piximi applies the softmax twice.",
    "Shuffled images come in a new order in every epoch; Piximi keeps one order for the whole training.",
    "Each layer begins with random weights of its own; in Piximi layers of one shape begin alike.",
    "The seed decides on weights, order and partitions, so that a training repeats; Piximi draws a seed that it does not keep.",
    "New labels are divided category by category, so that each is in training and validation; Piximi divides them at random.",
    "Images are resized with averaging where they shrink; Piximi takes single points between pixels.",
    "A later training learns from all labels, and its network has all categories; Piximi's learns from the new images only.",
)
_OF_ARCHITECTURE = {
    "mobilenet": (
        "MobileNet sees values from -1 to 1, as it did when it learned from photographs; Piximi gives it 0 to 1.",
        "Only MobileNet's last layer is trained, and its batch normalisation stays as it is; in Piximi everything changes.",
        "Images of other than three channels go through MobileNet's own first layer; Piximi puts a new, random layer before it.",
    ),
}
_OF_OPTIMIZER = {
    "momentum": "The optimizer momentum keeps part of its last step; in Piximi it is plain gradient descent.",
}


def departures(settings: Mapping[str, Any], labels: Mapping[str, str]) -> list[str]:
    """What a training with `settings` does otherwise than Piximi 1.1.4 by default, as sentences.

    Parameters
    ----------
    settings : mapping
        All settings by name.
    labels : mapping
        What each setting of `PIXIMI` is called.
    """
    found = [*_ALWAYS, *_OF_ARCHITECTURE.get(settings["architecture"], ())]
    if settings["optimizer"] in _OF_OPTIMIZER:
        found.append(_OF_OPTIMIZER[settings["optimizer"]])
    for name, theirs in PIXIMI.items():
        ours = settings[name]
        if ours != theirs:
            found.append(f"{labels[name]}: {ours}; Piximi: {theirs}.")
    return found
