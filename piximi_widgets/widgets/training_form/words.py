"""What the form says in the place of the settings' own words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

#: How the values of choices are called, by setting; a value without a name here is shown as it is written.
CHOICES: dict[str, dict[str, str]] = {
    "architecture": {"simple-cnn": "Simple CNN", "small-resnet": "Small ResNet", "mobilenet": "MobileNet"},
    "base_weights": {
        "imagenet": "ImageNet (downloaded once)",
        "none": "None (random)",
        "file": "A file …",
    },
    "input_shape": {"auto": "As the training images", "custom": "Custom"},
    "crop": {"none": "None: resize", "match": "Cut to the input's size"},
    "resize": {
        "bilinear": "Bilinear (smooth)",
        "bicubic": "Bicubic (sharper)",
        "nearest": "Nearest (single pixels)",
    },
    "aspect": {"stretch": "Stretch", "keep": "Keep proportions"},
    "normalization": {
        "training-statistics": "By training images",
        "bit-depth": "By the bit depth",
        "percentile": "1st to 99th percentile",
        "none": "Leave as they are",
    },
    "augmentation": {
        "none": "None",
        "gentle": "Gentle",
        "microscopy": "Microscopy",
        "natural": "Photographs",
        "custom": "Custom",
    },
    "class_weights": {"none": "All images count alike", "balanced": "Rare categories count more"},
    "optimizer": {
        "adam": "Adam",
        "adamw": "AdamW",
        "sgd": "SGD",
        "momentum": "SGD with momentum",
        "rmsprop": "RMSprop",
        "adagrad": "Adagrad",
        "adadelta": "Adadelta",
        "adamax": "Adamax",
    },
    "schedule": {
        "constant": "Constant",
        "cosine": "Cosine: falls to zero",
        "step": "Step: falls every few epochs",
        "plateau": "Plateau: falls when stuck",
    },
    "loss": {
        "softmax-cross-entropy": "Softmax cross-entropy",
        "sigmoid-cross-entropy": "Sigmoid cross-entropy",
        "mean-squared-error": "Mean squared error",
        "absolute-difference": "Absolute difference",
        "huber": "Huber",
        "hinge": "Hinge",
        "log": "Log",
    },
    "precision": {"float32": "Single (float32)", "mixed": "Mixed (faster on a GPU)"},
}

_ARCHITECTURES = {
    "simple-cnn": "Piximi's: two convolutions and one dense layer; the quickest.",
    "small-resnet": "Deeper; more often right on our samples, and trains in seconds.",
    "mobilenet": "Has learned from photographs; needs few images of yours.",
}


def word(name: str, value: Any) -> str:
    """A value of the setting `name` as the form shows it."""
    if isinstance(value, str):
        return CHOICES.get(name, {}).get(value, value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return (" × " if name == "input_shape" else ", ").join(map(str, value))
    return number_text(value)


def number_text(value: float) -> str:
    """A number with as many digits as it takes to read it back unchanged: ``0.003``, ``1e-05``, ``5``."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def augmentation_sentence(values: Mapping[str, Any]) -> str:
    """What becomes of a training image, like ``Shifted by up to 10 % of its size.``"""
    parts = []
    flips = [words for name, words in _FLIPS.items() if values[name]]
    if flips:
        parts.append(f"mirrored {' and '.join(flips)}")
    if values["quarter_turns"]:
        parts.append("turned by quarters")
    for name, words in _AMOUNTS.items():
        if values[name]:
            parts.append(words(values[name]))
    if not parts:
        return "Training images stay as they are."
    sentence = f"At random: {', '.join(parts)}."
    if values.get("architecture") == "mobilenet" and any(values[name] for name in _AMOUNTS):
        sentence += (
            " With MobileNet every epoch then computes all images anew; None, or flips and quarter turns alone, are many "
            "times faster."
        )
    return sentence


def architecture_sentence(name: str) -> str:
    """What is to be expected of a network."""
    return _ARCHITECTURES.get(name, "Registered with pw.register_architecture.")


def piximi_html(differences: Sequence[str]) -> str:
    """What a training with Piximi's settings does otherwise than Piximi, folded away."""
    lines = "".join(f"<li>{escape(line)}</li>" for line in differences)
    return (
        "<details><summary>These are the settings of Piximi 1.1.4. What a training here does otherwise</summary>"
        f"<ul>{lines}</ul></details>"
    )


def _percent(value: float) -> str:
    return f"{number_text(round(100 * value, 3))} %"


_FLIPS = {"horizontal_flip": "left to right", "vertical_flip": "top to bottom"}
_AMOUNTS: dict[str, Callable[[float], str]] = {
    "rotation": lambda value: f"turned by up to {number_text(value)}°",
    "zoom": lambda value: f"zoomed by up to {_percent(value)}",
    "shift": lambda value: f"shifted by up to {_percent(value)}",
    "brightness": lambda value: "brighter or darker",
    "contrast": lambda value: "more or less contrast",
    "noise": lambda value: "with noise",
    "cutout": lambda value: f"a square of {_percent(value)} blanked",
}
