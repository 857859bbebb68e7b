"""Beginning a training with what another one has learned: which experiment can be a base, and with which settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..engine.architectures import registry
from ..engine.architectures.base_weights import base_weights_file
from ..engine.config import TrainingConfig
from ..engine.jobs.requests import ARCHITECTURE, BASE_MODEL, store_architecture
from ..errors import ArtifactError, ConfigurationError, DatasetVersionError, NotTrainableError
from ..experiments import Artifact, ModelFile
from ..experiments import Experiment as StoredExperiment
from .published import ModelVersion

if TYPE_CHECKING:
    from .experiment import Experiment

_OF_A_TRAINING = ("model-latest", "config", BASE_MODEL, ARCHITECTURE)
#: What the base's weights were made for.
_KEPT = ("architecture", "channels", "plane", "crop", "resize", "aspect", "normalization")


def settings_on(base: Experiment | ModelVersion, config: TrainingConfig | None) -> TrainingConfig:
    """Return the settings of a training on `base`: those of the base itself, or `config` with the base's input shape.

    Raises
    ------
    NotTrainableError
        The base has no classifier, or its record is incomplete.
    ConfigurationError
        `config` has another architecture, or prepares images in another way.
    """
    base_shape = _input_shape(base)
    if config is None:
        return base.config.model_copy(update={"input_shape": base_shape})
    theirs = base.config
    problems = {
        name: f"{name} is {getattr(config, name)!r}, and the base {base.name!r} was trained with "
        f"{getattr(theirs, name)!r}. Take base.config.model_copy(update=...), or train without a base."
        for name in _KEPT
        if getattr(config, name) != getattr(theirs, name)
    }
    if config.input_shape != "auto" and any(
        mine not in ("auto", size) for mine, size in zip(config.input_shape, base_shape, strict=True)
    ):
        problems["input_shape"] = (
            f"input_shape is {config.input_shape}, and the base {base.name!r} was trained with {base_shape}. "
            "Take 'auto', or train without a base."
        )
    if problems:
        raise ConfigurationError(problems)
    return config.model_copy(update={"input_shape": base_shape})


def with_found_weights(config: TrainingConfig) -> TrainingConfig:
    """Return settings that name a file with weights by its absolute path: the worker has another working folder.

    Raises
    ------
    ConfigurationError
        There is no such file, or it is none of Keras.
    """
    if config.architecture != "mobilenet" or config.base_weights in ("imagenet", "none"):
        return config
    return config.model_copy(update={"base_weights": str(base_weights_file(config))})


def forget_inherited(experiment: StoredExperiment) -> None:
    """Remove what a new experiment has from its base: that network must not pass for the one that is yet to be trained."""
    for inherited in _OF_A_TRAINING:
        if inherited in experiment.artifacts:
            experiment.artifacts[inherited].delete()


def is_on(experiment: Experiment, base: Experiment | ModelVersion | None) -> bool:
    """Whether `base` is what an experiment goes on from."""
    if isinstance(base, ModelVersion):
        return experiment.base_experiment is None and experiment.base_model == base
    if base is None:
        return experiment.base_experiment is None and experiment.base_model is None
    return experiment.base_experiment == base


def take_weights(experiment: StoredExperiment, base: Experiment | ModelVersion) -> str:
    """Keep the base's classifier with the experiment; returns the uid of the dataset version that it was trained on."""
    model = _files(base)["model-latest"]
    experiment.artifacts.store(BASE_MODEL, model.path, filename=model.filename)
    return _dataset_of(base)


def keep_architecture(experiment: StoredExperiment, base: Experiment | ModelVersion | None) -> None:
    """Keep the source of the experiment's architecture, where it is none of this package: the base's, or ours."""
    record = None if base is None else base.architecture_record
    name = str(experiment.parameters["architecture"])
    if record is None and name in registry.registered_names():
        record = registry.registered(name).to_record()
    if record is not None:
        store_architecture(experiment, record)


def _files(base: Experiment | ModelVersion) -> Mapping[str, Artifact | ModelFile]:
    return base.files if isinstance(base, ModelVersion) else base.artifacts


def _dataset_of(base: Experiment | ModelVersion) -> str:
    """The uid of the dataset version that the base was trained with."""
    return (base.context if isinstance(base, ModelVersion) else base).datasets["train"].uid


def _input_shape(base: Experiment | ModelVersion) -> tuple[int, int, int]:
    problem = None
    try:
        _files(base)["model-latest"].path  # noqa: B018
        base.project.version(_dataset_of(base))
        record = json.loads(_files(base)["config"].path.read_text(encoding="utf-8"))
        height, width, channels = record["preprocessing"]["input_shape"]
    except (ArtifactError, DatasetVersionError) as error:
        problem = str(error)
    except (KeyError, ValueError, TypeError, OSError):
        problem = "The record of its training is missing or damaged."
    if problem is not None:
        status = "" if isinstance(base, ModelVersion) else f"; its status is {base.status}"
        raise NotTrainableError(
            [f"{base.name!r} cannot be a base{status}. {problem} Choose one with a classifier."]
        )
    return int(height), int(width), int(channels)
