"""Beginning a training with what another one has learned: which experiment can be a base, and with which settings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..engine.architectures import registry
from ..engine.config import TrainingConfig
from ..engine.jobs.requests import BASE_MODEL, store_architecture
from ..errors import ArtifactError, ConfigurationError, DatasetVersionError, NotTrainableError
from ..experiments import Experiment as StoredExperiment

if TYPE_CHECKING:
    from .experiment import Experiment

#: What the base's weights were made for.
_KEPT = ("architecture", "channels", "plane", "crop", "resize", "aspect", "normalization")


def settings_on(base: Experiment, config: TrainingConfig | None) -> TrainingConfig:
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


def take_weights(experiment: StoredExperiment, base: Experiment) -> str:
    """Keep the base's classifier with the experiment; returns the uid of the dataset version that it was trained on."""
    model = base.artifacts["model-latest"]
    experiment.artifacts.store(BASE_MODEL, model.path, filename=model.filename)
    return base.datasets["train"].uid


def keep_architecture(experiment: StoredExperiment, base: Experiment | None) -> None:
    """Keep the source of the experiment's architecture, where it is none of this package: the base's, or ours."""
    record = None if base is None else base.architecture_record
    name = str(experiment.parameters["architecture"])
    if record is None and name in registry.registered_names():
        record = registry.registered(name).to_record()
    if record is not None:
        store_architecture(experiment, record)


def _input_shape(base: Experiment) -> tuple[int, int, int]:
    problem = None
    try:
        base.artifacts["model-latest"].path  # noqa: B018
        base.project.version(base.datasets["train"].uid)
        record = json.loads(base.artifacts["config"].path.read_text(encoding="utf-8"))
        height, width, channels = record["preprocessing"]["input_shape"]
    except (ArtifactError, DatasetVersionError) as error:
        problem = str(error)
    except (KeyError, ValueError, TypeError, OSError):
        problem = "The record of its training is missing or damaged."
    if problem is not None:
        raise NotTrainableError(
            [
                f"{base.name!r} cannot be a base; its status is {base.status}. {problem} Choose one with a classifier."
            ]
        )
    return int(height), int(width), int(channels)
