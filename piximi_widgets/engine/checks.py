"""What would keep a training from making sense, said before it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ConfigurationError
from .architectures import base_weights_file, minimum_size, names
from .config import TrainingConfig

_NAMED_AT_MOST = 5


@dataclass(frozen=True)
class Problem:
    """One reason why a training cannot start.

    Attributes
    ----------
    field : str or None
        The setting of `TrainingConfig` that can mend it; None when the data must change.
    message : str
        What was got and what to do.
    """

    field: str | None
    message: str


def check(
    config: TrainingConfig,
    *,
    class_counts: Mapping[str, int],
    partition_counts: Mapping[str, tuple[int, int, int]] | None = None,
    shapes: ArrayLike = (),
    image_count: int | None = None,
) -> list[Problem]:
    """Return everything that keeps a training from starting; an empty list means that it may.

    Parameters
    ----------
    config : TrainingConfig
    class_counts : dict of str to int
        Labeled, not excluded images of each category. A category without any is left out of the checks.
    partition_counts : dict of str to (int, int, int), optional
        The same images by partition (training, validation, test), once they have one. Left out, the training
        images are estimated from ``config.training_fraction``.
    shapes : (N, 3) array of int
        Height, width and channels of the labeled images.
    image_count : int, optional
        All images of the project, labeled or not; tells an empty project from an unlabeled one.
    """
    counts = {name: int(count) for name, count in class_counts.items() if count > 0}
    if image_count == 0:
        return [Problem(None, "The project has no images yet. Add some with project.add_images(…).")]
    if not counts:
        return [
            Problem(
                None, "No image has a label yet. Give at least two images in each of two categories a label."
            )
        ]
    if len(counts) == 1:
        (only,) = counts
        return [
            Problem(
                None,
                f"Only the category {only!r} has labeled images. Label some of a second category too: a classifier "
                "tells at least two apart.",
            )
        ]
    return [
        *_check_settings(config),
        *_check_counts(config, counts, partition_counts),
        *_check_shapes(config, np.asarray(shapes, dtype=np.int64).reshape(-1, 3)),
    ]


def _check_settings(config: TrainingConfig) -> list[Problem]:
    """What is wrong with settings beside each other, whatever the images are."""
    problems = []
    known = names()
    if config.architecture not in known:
        problems.append(
            Problem(
                "architecture",
                f"The architecture {config.architecture!r} is not registered here. Run the cell that calls "
                f"pw.register_architecture({config.architecture!r}, …), or choose one of {', '.join(known)}.",
            )
        )
    try:
        # ImageNet's weights are fetched when the training begins; only a file that the user names is looked for here.
        if config.base_weights != "imagenet":
            base_weights_file(config)
    except ConfigurationError as error:
        problems += [Problem("base_weights", message) for message in error.problems.values()]
    if config.fine_tuned_blocks and config.architecture != "mobilenet":
        problems.append(
            Problem(
                "fine_tuned_blocks",
                f"{config.fine_tuned_blocks} blocks are to be fine-tuned, but {config.architecture} has no blocks that were "
                "trained before: all of it is trained. Choose 0, or the architecture mobilenet.",
            )
        )
    if config.precision == "mixed" and config.architecture == "mobilenet":
        problems.append(
            Problem(
                "precision",
                "mobilenet computes in float32 only: what of it is trained is too small to gain from half precision. "
                "Choose float32, or another architecture.",
            )
        )
    if config.oversampling and config.class_weights == "balanced":
        problems.append(
            Problem(
                "oversampling",
                "Class weights are balanced and rare categories are oversampled too, so that their images would count twice "
                "too much. Choose one of the two.",
            )
        )
    if config.warmup_epochs >= config.epochs:
        problems.append(
            Problem(
                "warmup_epochs",
                f"The warm-up takes {_epochs(config.warmup_epochs)} and the whole training {config.epochs}: the learning rate "
                f"would never be used in full. Choose {config.epochs - 1}{' or less' if config.epochs > 1 else ''}, or more "
                "epochs.",
            )
        )
    return problems


def _check_counts(
    config: TrainingConfig,
    counts: dict[str, int],
    partition_counts: Mapping[str, tuple[int, int, int]] | None,
) -> list[Problem]:
    problems = []
    single = [name for name, count in counts.items() if count == 1]
    if single:
        problems.append(
            Problem(
                None,
                f"{_names(single)} only one labeled image. Label at least one more: one is for training, one for "
                "validation.",
            )
        )
    if partition_counts is None:
        training = round(config.training_fraction * sum(counts.values()))
        validation = sum(counts.values()) - training
    else:
        training = sum(partition_counts.get(name, (0, 0, 0))[0] for name in counts)
        validation = sum(partition_counts.get(name, (0, 0, 0))[1] for name in counts)
        untrained = [
            name for name in counts if name not in single and partition_counts.get(name, (0, 0, 0))[0] == 0
        ]
        if untrained:
            problems.append(
                Problem(
                    None,
                    f"{_names(untrained)} no image in the training partition. Label more images, or split again "
                    "with project.split().",
                )
            )
    if validation == 0:
        problems.append(
            Problem(
                "training_fraction",
                f"All {training} labeled images are for training and none is left for validation. Lower the training "
                "fraction and split again with project.split(), or label more images.",
            )
        )
        problems += _check_what_watches(config)
    # An epoch sees every crop of an image as an image of its own.
    crops = config.crops if config.crop == "match" else 1
    if 0 < training * crops < config.batch_size:
        of_crops = f", {crops} crops of each," if crops > 1 else ""
        problems.append(
            Problem(
                "batch_size",
                f"The batch size is {config.batch_size}, but there are only {training} images{of_crops} for training. Choose "
                f"{training * crops} or less, or label more images.",
            )
        )
    return problems


def _check_what_watches(config: TrainingConfig) -> list[Problem]:
    """The settings that need the validation loss, where there is none."""
    problems = []
    if config.early_stopping:
        problems.append(
            Problem(
                "early_stopping",
                "Early stopping watches the validation loss, but no image is left for validation. Choose 0, or leave images "
                "for validation.",
            )
        )
    if config.schedule == "plateau":
        problems.append(
            Problem(
                "schedule",
                "The schedule 'plateau' watches the validation loss, but no image is left for validation. Choose 'cosine' or "
                "'constant', or leave images for validation.",
            )
        )
    return problems


def _check_shapes(config: TrainingConfig, shapes: np.ndarray) -> list[Problem]:
    problems = []
    channels, frequency = np.unique(shapes[:, 2], return_counts=True)
    found = ", ".join(f"{n} with {c}" for c, n in zip(channels.tolist(), frequency.tolist(), strict=True))
    if config.channels != "all":
        problems += _check_channels(config.channels, channels, frequency, found)
    elif len(channels) > 1:
        problems.append(
            Problem(
                None,
                f"The labeled images differ in their number of channels ({found}). Exclude those that do not belong, "
                "add them again with the same channels=…, or choose channels that all of them have.",
            )
        )
    if config.input_shape == "auto":
        return problems
    height, width, wanted = config.input_shape
    minimum = minimum_size(config.architecture) if config.architecture in names() else 1
    if min(height, width) < minimum:
        problems.append(
            Problem(
                "input_shape",
                f"The input shape is {height}×{width}, but {config.architecture} needs at least {minimum}×{minimum}. "
                "Choose a larger one, or 'auto'.",
            )
        )
    if wanted == "auto":
        return problems
    if config.channels != "all":
        fitting, owner = len(config.channels), f"{len(config.channels)} of the images' channels are chosen"
    else:
        fitting, owner = (
            int(channels[0]) if len(channels) == 1 else wanted,
            f"the images have {channels[:1].sum()}",
        )
    if wanted != fitting:
        problems.append(
            Problem(
                "input_shape",
                f"The input shape has {_channels(wanted)}, but {owner}. Choose ({height}, {width}, {fitting}), or "
                "'auto'.",
            )
        )
    return problems


def _check_channels(
    chosen: tuple[int, ...], channels: np.ndarray, frequency: np.ndarray, found: str
) -> list[Problem]:
    """Whether every labeled image has the chosen channels; `channels` are the counts that occur, ascending."""
    if not len(channels) or max(chosen) < channels[0]:
        return []
    missing = ", ".join(str(channel) for channel in sorted(chosen) if channel >= channels[0])
    if len(channels) == 1:
        have = "one channel, 0" if channels[0] == 1 else f"{channels[0]} channels, 0 to {channels[0] - 1}"
        return [
            Problem(
                "channels",
                f"There is no channel {missing}: the images have {have}. Choose among these, or 'all'.",
            )
        ]
    lacking = int(frequency[channels <= max(chosen)].sum())
    return [
        Problem(
            "channels",
            f"Not all labeled images have the channel {missing}: {lacking} of {int(frequency.sum())} lack it ({found}). "
            "Choose channels that all of them have, or exclude those that do not belong.",
        )
    ]


def _names(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_NAMED_AT_MOST])
    more = len(names) - _NAMED_AT_MOST
    subject = "The category" if len(names) == 1 else "The categories"
    verb = "has" if len(names) == 1 else "have"
    return f"{subject} {shown}{f' and {more} more' if more > 0 else ''} {verb}"


def _epochs(count: int) -> str:
    return "1 epoch" if count == 1 else f"{count} epochs"


def _channels(count: int) -> str:
    return f"{count} channel" if count == 1 else f"{count} channels"
