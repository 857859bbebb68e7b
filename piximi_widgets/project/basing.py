"""Beginning a training with what another one has learned: which experiment can be a base, and with which settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..engine.architectures import registry
from ..engine.architectures.base_weights import base_weights_file
from ..engine.config import TrainingConfig
from ..engine.jobs.lineage import has_version
from ..engine.jobs.requests import ARCHITECTURE, BASE_MODEL, store_architecture
from ..errors import ArtifactError, ConfigurationError, NotTrainableError
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
    theirs = base.config
    config = config or theirs
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
    changes: dict[str, object] = {"input_shape": base_shape}
    if _names_a_file(config):
        # The weights are those of the base, and the file may be on another machine.
        changes["base_weights"] = "none"
    return config.model_copy(update=changes)


def with_found_weights(config: TrainingConfig) -> TrainingConfig:
    """Return settings that name a file with weights by its absolute path: the worker has another working folder.

    Raises
    ------
    ConfigurationError
        There is no such file, or it is none of Keras.
    """
    if not _names_a_file(config):
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


def adopt_architecture(base: Experiment | ModelVersion) -> None:
    """Let a base's own network be built here without being registered again, if its source may run.

    Raises
    ------
    ConfigurationError
        It came from somebody else, and nobody has trusted it yet.
    """
    record = base.architecture_record
    if record is None:
        return
    found = registry.from_record(record)
    registry.check_trust(found)
    if found.name not in registry.registered_names():
        registry.adopt(found)


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


def _names_a_file(config: TrainingConfig) -> bool:
    return config.architecture == "mobilenet" and config.base_weights not in ("imagenet", "none")


def _is_known_what_it_saw(base: Experiment | ModelVersion) -> bool:
    if has_version(base.project, _dataset_of(base)):
        return True
    experiment = base.context.experiment if isinstance(base, ModelVersion) else base
    dataset = None if experiment is None else experiment._kept_datasets().get(_dataset_of(base))
    return dataset is not None and bool(dataset.table)


def _input_shape(base: Experiment | ModelVersion) -> tuple[int, int, int]:
    problem, advice = None, "Choose one with a classifier."
    try:
        _files(base)["model-latest"].path  # noqa: B018
        record = json.loads(_files(base)["config"].path.read_text(encoding="utf-8"))
        height, width, channels = record["preprocessing"]["input_shape"]
        if not _is_known_what_it_saw(base):
            problem = (
                "It was trained in another project, and came without the table of its images: nobody could tell which images "
                "here it has seen. Export it from its project, or choose another one."
            )
    except ArtifactError as error:
        problem = f"{error} {advice}"
    except (KeyError, ValueError, TypeError, OSError):
        problem = f"The record of its training is missing or damaged. {advice}"
    if problem is not None:
        status = "" if isinstance(base, ModelVersion) else f"; its status is {base.status}"
        raise NotTrainableError([f"{base.name!r} cannot be a base{status}. {problem}"])
    return int(height), int(width), int(channels)
